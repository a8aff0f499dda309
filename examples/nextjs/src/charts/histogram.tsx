'use client';

import { type KeyboardEvent, useState } from 'react';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import type { TimeRange } from '../filter/time-range.ts';
import { fill } from '../words/fill.ts';
import { placeByKey, useBrush, wholeSeconds } from './use-brush.ts';
import type { Bar, Histogram as HistogramData } from './use-histogram.ts';

export interface HistogramProps {
  readonly histogram: HistogramData;
  /** The reader wants to see this part only. */
  onZoom(range: TimeRange): void;
}

/** The picture's own units; it is stretched to the width there is. */
const WIDTH = 1000;
const HEIGHT = 100;

/** Calls over time above the table. Drag over it, or choose a bar with the keyboard, to zoom in. */
export function Histogram({ histogram, onZoom }: HistogramProps) {
  const { words, formats } = useView();
  const { bars, range } = histogram;
  const [chosen, setChosen] = useState<number>();
  const highest = Math.max(1, ...bars.map(({ answered, failed }) => answered + failed));
  const bar = chosen === undefined ? undefined : bars[chosen];
  const { drag, cancel, handlers } = useBrush({
    range,
    onZoom,
    onPoint(at) {
      const index = at === undefined ? -1 : bars.findIndex(({ from, to }) => at >= from && at < to);
      setChosen(index >= 0 ? index : undefined);
    },
  });
  const key = (event: KeyboardEvent) => {
    const place = placeByKey(event.key, chosen, bars.length);
    if (place !== undefined) {
      event.preventDefault();
      setChosen(place);
    } else if (event.key === 'Enter' && bar) onZoom(wholeSeconds(bar));
    else if (event.key === 'Escape') {
      cancel();
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
        {...handlers}
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
        onKeyDown={key}
      >
        <Bars bars={bars} range={range} highest={highest} chosen={chosen} drag={drag} />
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

interface BarsProps extends Pick<HistogramData, 'bars' | 'range'> {
  readonly highest: number;
  readonly chosen: number | undefined;
  /** 0 to 1 across the picture. */
  readonly drag: TimeRange | undefined;
}

function Bars({ bars, range, highest, chosen, drag }: BarsProps) {
  const x = (time: number) => ((time - range.from) / (range.to - range.from)) * WIDTH;
  const height = (value: number) => (value / highest) * (HEIGHT - 4);

  return (
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
  );
}

/** Five times, evenly: the two ends and three between. */
function axisTimes({ from, to }: TimeRange): number[] {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => from + part * (to - from));
}
