'use client';

import type { KeyboardEvent, ReactNode } from 'react';
import type { TimeRange } from '../filter/time-range.ts';
import { bucketAt } from './buckets.ts';
import { runsOf } from './quality-points.ts';
import { placeByKey, useBrush, wholeSeconds } from './use-brush.ts';

/** A value now, and at the same time of the period before. */
export interface LinePoint extends TimeRange {
  readonly now: number | null;
  readonly before: number | null;
}

export interface LineChartProps {
  readonly name: string;
  readonly range: TimeRange;
  readonly points: readonly LinePoint[];
  /** The value at the top; 0 is at the bottom. */
  readonly top: number;
  tick(value: number): string;
  /** Read aloud. */
  readonly label: string;
  say(place: number): string;
  /** The times of the axis. */
  readonly axis: readonly { readonly at: number; readonly text: string }[];
  readonly chosen: number | undefined;
  onChoose(place: number | undefined): void;
  onZoom(range: TimeRange): void;
  /** The title and the values that are chosen. */
  readonly children: ReactNode;
}

const WIDTH = 1000;
const HEIGHT = 100;

/** A line over time and a paler one behind it. Where there is no value there is no line. */
export function LineChart({
  name,
  range,
  points,
  top,
  tick,
  label,
  say,
  axis,
  chosen,
  onChoose,
  onZoom,
  children,
}: LineChartProps) {
  const { drag, cancel, handlers } = useBrush({
    range,
    onZoom,
    onPoint(at) {
      const place = at === undefined ? -1 : bucketAt(points, at);
      onChoose(place >= 0 ? place : undefined);
    },
  });
  const point = chosen === undefined ? undefined : points[chosen];
  const key = (event: KeyboardEvent) => {
    const place = placeByKey(event.key, chosen, points.length);
    if (place !== undefined) {
      event.preventDefault();
      onChoose(place);
    } else if (event.key === 'Enter' && point) onZoom(wholeSeconds(point));
    else if (event.key === 'Escape') {
      cancel();
      onChoose(undefined);
    }
  };
  return (
    <section className="picture line-chart" data-line={name}>
      {children}
      <div className="line-plot">
        <div className="line-ticks" aria-hidden="true">
          {[top, top / 2, 0].map((value) => (
            <span key={value}>{tick(value)}</span>
          ))}
        </div>
        <div
          {...handlers}
          className="line-frame"
          role="slider"
          tabIndex={0}
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, points.length - 1)}
          aria-valuenow={chosen ?? 0}
          aria-valuetext={chosen !== undefined && point ? say(chosen) : label}
          onKeyDown={key}
          onBlur={() => onChoose(undefined)}
        >
          <Plot range={range} points={points} top={top} point={point} drag={drag} />
        </div>
        <div className="histogram-axis line-axis" aria-hidden="true">
          {axis.map(({ at, text }) => (
            <span key={at}>{text}</span>
          ))}
        </div>
      </div>
    </section>
  );
}

interface PlotProps extends Pick<LineChartProps, 'range' | 'points' | 'top'> {
  readonly point: LinePoint | undefined;
  /** 0 to 1 across the picture. */
  readonly drag: TimeRange | undefined;
}

function Plot({ range, points, top, point, drag }: PlotProps) {
  const x = (at: number) => ((at - range.from) / (range.to - range.from)) * WIDTH;
  const xOf = ({ from, to }: TimeRange) => x((from + to) / 2);
  const y = (value: number) => HEIGHT - (Math.min(value, top) / top) * HEIGHT;
  const line = (which: 'now' | 'before') =>
    linePath(
      points.map((each) => [xOf(each), each[which]]),
      y,
    );

  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {[0, HEIGHT / 2, HEIGHT].map((at) => (
        <path key={at} className="line-grid" d={`M0 ${at}H${WIDTH}`} />
      ))}
      <path
        className="line-area"
        d={areaPath(
          points.map((each) => [xOf(each), each.now]),
          y,
        )}
      />
      <path className="line-before" d={line('before')} />
      <path className="line-now" d={line('now')} />
      {point && <path className="line-cursor" d={`M${xOf(point)} 0V${HEIGHT}`} />}
      {point?.before != null && (
        <path className="line-dot line-dot-before" d={`M${xOf(point)} ${y(point.before)}h.01`} />
      )}
      {point?.now != null && <path className="line-dot" d={`M${xOf(point)} ${y(point.now)}h.01`} />}
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
  );
}

type Place = readonly [x: number, value: number | null];

/** A point between two gaps is a dot: a line of no length, with round ends. */
function linePath(places: readonly Place[], y: (value: number) => number): string {
  return runsOf(places.map(([, value]) => value))
    .map(({ from, to }) => {
      const texts = places.slice(from, to).map(([x, value]) => `${round(x)} ${round(y(value!))}`);
      return texts.length === 1 ? `M${texts[0]}h.01` : `M${texts.join('L')}`;
    })
    .join('');
}

function areaPath(places: readonly Place[], y: (value: number) => number): string {
  return runsOf(places.map(([, value]) => value))
    .filter(({ from, to }) => to - from > 1)
    .map(({ from, to }) => {
      const part = places.slice(from, to);
      const texts = part.map(([x, value]) => `${round(x)} ${round(y(value!))}`);
      return `M${round(part[0]![0])} ${HEIGHT}L${texts.join('L')}L${round(part.at(-1)![0])} ${HEIGHT}Z`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
