'use client';

import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import type { TimeRange } from '../filter/time-range.ts';
import { fill } from '../words/fill.ts';
import type { Bar, Histogram as HistogramData } from './use-histogram.ts';

export interface HistogramProps {
  readonly histogram: HistogramData;
  /** The reader wants to see this part only. */
  onZoom(range: TimeRange): void;
}

/** The picture's own units; it is stretched to the width there is. */
const WIDTH = 1000;
const HEIGHT = 100;
/** A drag shorter than this is a click. */
const MIN_DRAG_PIXELS = 6;
const SECOND = 1000;

/** Calls over time above the table. Drag over it, or choose a bar with the keyboard, to zoom in. */
export function Histogram({ histogram, onZoom }: HistogramProps) {
  const { words, formats } = useView();
  const { bars, range } = histogram;
  const frame = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>();
  const [chosen, setChosen] = useState<number>();
  const highest = Math.max(1, ...bars.map(({ answered, failed }) => answered + failed));
  const bar = chosen === undefined ? undefined : bars[chosen];

  /** 0 to 1 across the picture. */
  const placeOf = (event: PointerEvent) => {
    const { left, width } = frame.current!.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  const timeAt = (place: number) => range.from + place * (range.to - range.from);
  const barAt = (time: number) => bars.findIndex(({ from, to }) => time >= from && time < to);

  const down = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDrag({ from: placeOf(event), to: placeOf(event) });
  };
  const move = (event: PointerEvent) => {
    const place = placeOf(event);
    const index = barAt(timeAt(place));
    setChosen(index >= 0 ? index : undefined);
    if (drag) setDrag({ ...drag, to: place });
  };
  const up = () => {
    if (!drag) return;
    setDrag(undefined);
    const width = frame.current!.getBoundingClientRect().width;
    const [start, end] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    if ((end - start) * width < MIN_DRAG_PIXELS) return;
    zoomTo({ from: timeAt(start), to: timeAt(end) });
  };
  /** To whole seconds: what switches write. */
  const zoomTo = ({ from, to }: TimeRange) => {
    const start = Math.floor(from / SECOND) * SECOND;
    onZoom({ from: start, to: Math.max(Math.ceil(to / SECOND) * SECOND, start + SECOND) });
  };
  const key = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      Home: -bars.length,
      End: bars.length,
    };
    const step = steps[event.key];
    if (step !== undefined && bars.length > 0) {
      event.preventDefault();
      setChosen((now) =>
        Math.min(bars.length - 1, Math.max(0, (now ?? (step > 0 ? -1 : bars.length)) + step)),
      );
    } else if (event.key === 'Enter' && bar) zoomTo(bar);
    else if (event.key === 'Escape') {
      setDrag(undefined);
      setChosen(undefined);
    }
  };

  const say = (it: Bar) =>
    fill(words.histogram.bar, {
      from: formats.minute(it.from),
      to: formats.minute(it.to),
      answered: formats.count(it.answered),
      failed: formats.count(it.failed),
    });
  const x = (time: number) => ((time - range.from) / (range.to - range.from)) * WIDTH;
  const height = (value: number) => (value / highest) * (HEIGHT - 4);

  return (
    <section className="histogram" aria-label={words.histogram.title}>
      <div className="histogram-legend">
        <span className="key key-answered">{words.histogram.answered}</span>
        <span className="key key-failed">{words.histogram.failed}</span>
        <span className="histogram-peak">
          {fill(words.histogram.peak, { n: formats.count(bars.length > 0 ? highest : 0) })}
        </span>
        <output className="histogram-said">{bar ? say(bar) : words.histogram.how}</output>
      </div>
      {histogram.error !== null && <Trouble error={histogram.error} retry={histogram.retry} isSmall />}
      <div
        ref={frame}
        className="histogram-frame"
        data-loading={histogram.isLoading || undefined}
        data-old={histogram.isOld || undefined}
        role="slider"
        tabIndex={0}
        aria-label={words.histogram.label}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, bars.length - 1)}
        aria-valuenow={chosen ?? 0}
        aria-valuetext={bar ? say(bar) : words.histogram.how}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerLeave={() => !drag && setChosen(undefined)}
        onKeyDown={key}
      >
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {bars.map((it, index) => {
            const left = x(it.from);
            const width = Math.max(0.5, x(it.to) - left - 1.2);
            return (
              <g key={it.from} className={index === chosen ? 'chosen' : undefined}>
                <rect
                  className="bar-answered"
                  x={left}
                  width={width}
                  y={HEIGHT - height(it.answered)}
                  height={height(it.answered)}
                />
                <rect
                  className="bar-failed"
                  x={left}
                  width={width}
                  y={HEIGHT - height(it.answered + it.failed)}
                  height={height(it.failed)}
                />
              </g>
            );
          })}
          {drag && (
            <rect
              className="brush"
              x={Math.min(drag.from, drag.to) * WIDTH}
              width={Math.abs(drag.to - drag.from) * WIDTH}
              y={0}
              height={HEIGHT}
            />
          )}
        </svg>
      </div>
      <div className="histogram-axis" aria-hidden="true">
        {axisTimes(range).map((time) => (
          <span key={time}>
            {range.to - range.from > 3 * 86_400_000 ? formats.day(time) : formats.minute(time)}
          </span>
        ))}
      </div>
    </section>
  );
}

/** Five times, evenly: the two ends and three between. */
function axisTimes({ from, to }: TimeRange): number[] {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => from + part * (to - from));
}
