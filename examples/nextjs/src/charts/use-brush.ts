'use client';

import { type PointerEvent, useRef, useState } from 'react';
import type { TimeRange } from '../filter/time-range.ts';

/** A drag shorter than this is a click. */
const MIN_DRAG_PIXELS = 6;
const SECOND = 1000;

export interface BrushOptions {
  /** From the left edge of the frame to the right one. */
  readonly range: TimeRange;
  /** The reader wants to see this part only. */
  onZoom(range: TimeRange): void;
  /** The time that is pointed at; undefined for none. */
  onPoint(at: number | undefined): void;
}

/** Dragging over a picture of time zooms into it. */
export function useBrush({ range, onZoom, onPoint }: BrushOptions) {
  const frame = useRef<HTMLDivElement>(null);
  /** 0 to 1 across the picture. */
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>();
  const placeOf = (event: PointerEvent) => {
    const { left, width } = frame.current!.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  const timeAt = (place: number) => range.from + place * (range.to - range.from);
  const cancel = () => setDrag(undefined);
  return {
    drag,
    cancel,
    handlers: {
      ref: frame,
      onPointerDown(event: PointerEvent<HTMLDivElement>) {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ from: placeOf(event), to: placeOf(event) });
      },
      onPointerMove(event: PointerEvent) {
        const place = placeOf(event);
        onPoint(timeAt(place));
        if (drag) setDrag({ ...drag, to: place });
      },
      onPointerUp() {
        if (!drag) return;
        cancel();
        const width = frame.current!.getBoundingClientRect().width;
        const [start, end] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
        if ((end - start) * width >= MIN_DRAG_PIXELS)
          onZoom(wholeSeconds({ from: timeAt(start), to: timeAt(end) }));
      },
      onPointerLeave: () => !drag && onPoint(undefined),
      // The browser takes the pointer to scroll.
      onPointerCancel: cancel,
    },
  };
}

/** What switches write. */
export function wholeSeconds({ from, to }: TimeRange): TimeRange {
  const start = Math.floor(from / SECOND) * SECOND;
  return { from: start, to: Math.max(Math.ceil(to / SECOND) * SECOND, start + SECOND) };
}

/** Where an arrow key, Home or End leads among so many; undefined for any other key. */
export function placeByKey(key: string, chosen: number | undefined, count: number): number | undefined {
  const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count };
  const step = steps[key];
  if (step === undefined || count === 0) return undefined;
  return Math.min(count - 1, Math.max(0, (chosen ?? (step > 0 ? -1 : count)) + step));
}
