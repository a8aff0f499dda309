'use client';

import { useCallback, useState } from 'react';
import { Trouble } from '../chrome/trouble.tsx';
import { useIsSmall } from '../chrome/use-is-small.ts';
import { useView, type View } from '../chrome/view.tsx';
import { cdrFilterOf } from '../filter/cdr-filter.ts';
import type { PageQuery } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import { fill } from '../words/fill.ts';
import { stepsOf } from './buckets.ts';
import { LineChart } from './line-chart.tsx';
import { QualityMap } from './quality-map.tsx';
import { axisTop, highestShown, qualityMeasures } from './quality-points.ts';
import { QualityTable } from './quality-table.tsx';
import { measureKinds, sayPoint, sayQuality, sayTick, timeOf } from './quality-text.ts';
import { type DrawnQuality, useQuality } from './use-quality.ts';

export interface QualityProps {
  readonly query: PageQuery;
  readonly range: TimeRange;
  onChange(change: Partial<PageQuery>): void;
}

/** ASR, NER, ACD, PDD and calls per second over time, those of the period before behind them, and where ASR is low. */
export default function Quality({ query, range, onChange }: QualityProps) {
  const view = useView();
  const { words, formats } = view;
  const w = words.quality;
  const filterOf = useCallback((of: TimeRange) => cdrFilterOf(query, of), [query]);
  const { drawn, ...asked } = useQuality({
    filterOf,
    range,
    rangeName: query.range,
    step: query.step,
    zone: formats.zone,
  });
  const steps = stepsOf(range);
  const zoom = ({ from, to }: TimeRange) => onChange({ from: new Date(from), to: new Date(to) });

  return (
    <div className="pictures quality" aria-busy={asked.isLoading}>
      <div className="quality-head">
        {drawn && (
          <p className="quality-legend">
            <span className="line-key">{said(drawn.range, view)}</span>
            <span className="line-key line-key-before">
              {fill(w.before, { range: said(drawn.previous, view) })}
            </span>
          </p>
        )}
        <label className="quality-step">
          {w.step}
          <select
            value={steps.includes(query.step) ? query.step : 'auto'}
            onChange={(event) => onChange({ step: event.target.value as PageQuery['step'] })}
          >
            {steps.map((step) => (
              <option key={step} value={step}>
                {w.steps[step]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {asked.error !== null && <Trouble error={asked.error} retry={asked.retry} isSmall />}
      {drawn && drawn.previousError !== null && (
        <Trouble error={drawn.previousError} retry={asked.retry} isSmall />
      )}
      {drawn && (
        <div className="quality-answer" data-old={asked.isOld || undefined} data-unit={drawn.unit}>
          {drawn.attempts === 0 ? (
            <p className="picture empty">{words.pictures.empty}</p>
          ) : (
            <Lines drawn={drawn} onZoom={zoom} />
          )}
          <QualityTable drawn={drawn} />
        </div>
      )}
      <QualityMap query={query} range={range} onChange={onChange} />
    </div>
  );
}

function Lines({ drawn, onZoom }: { readonly drawn: DrawnQuality; onZoom(range: TimeRange): void }) {
  const view = useView();
  const w = view.words.quality;
  const isSmall = useIsSmall();
  /** The same time in every picture. */
  const [chosen, setChosen] = useState<number>();
  const point = chosen === undefined ? undefined : drawn.points[chosen];
  return (
    <div className="quality-lines">
      {qualityMeasures.map((measure) => {
        const value = (of: number | null | undefined) => sayQuality(measure, of ?? null, view);
        const values = drawn.points.flatMap(({ now, before }) => [now[measure], before?.[measure]]);
        const name = w.measures[measure];
        const { highest, isCut } = highestShown(values, measureKinds[measure]);
        const top = axisTop(highest, measureKinds[measure]);
        return (
          <LineChart
            key={measure}
            name={measure}
            range={drawn.range}
            points={drawn.points.map(({ from, to, now, before }) => ({
              from,
              to,
              now: now[measure],
              before: before?.[measure] ?? null,
            }))}
            top={top}
            tick={(at) => `${isCut && at === top ? '↑ ' : ''}${sayTick(measure, at, view)}`}
            label={fill(w.label, { name })}
            say={(place) => sayPoint(measure, drawn.points[place]!, drawn.unit, view)}
            axis={axisOf(drawn, isSmall, view)}
            chosen={chosen}
            onChoose={setChosen}
            onZoom={onZoom}
          >
            <header className="line-head">
              <h2 data-hint={w.hints[measure]}>{name}</h2>
              <strong>{value(point ? point.now[measure] : drawn.total[measure])}</strong>
              <span className="line-was">
                {fill(w.was, {
                  value: value(point ? point.before?.[measure] : drawn.totalBefore?.[measure]),
                })}
              </span>
              <span className="line-when">{point ? timeOf(point.from, drawn.unit, view) : ''}</span>
            </header>
          </LineChart>
        );
      })}
    </div>
  );
}

function said({ from, to }: TimeRange, { formats }: View): string {
  return `${formats.minute(from)} – ${formats.minute(to)}`;
}

/** The two ends, and one or three times between, evenly. */
function axisOf({ range: { from, to } }: DrawnQuality, isSmall: boolean, { formats }: View) {
  const parts = isSmall ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1];
  return parts.map((part) => {
    const at = from + part * (to - from);
    const isShort = to - from <= 36 * 3_600_000;
    return { at, text: isShort ? formats.clockTime(at).slice(0, 5) : formats.day(at) };
  });
}
