'use client';

import { useRef } from 'react';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { Trouble } from '../chrome/trouble.tsx';
import { useIsSmall } from '../chrome/use-is-small.ts';
import { useView, type View } from '../chrome/view.tsx';
import { cdrFilterOf } from '../filter/cdr-filter.ts';
import type { PageQuery } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import type { QualityMapQuery, QualityMapQueryVariables } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { fill } from '../words/fill.ts';
import {
  type AsrCell,
  type AsrGroup,
  asrByDestination,
  asrByWeekHour,
  asrOf,
  asrSpread,
  FEW_CALLS,
  placeInSpread,
} from './asr-map.ts';
import { MAX_GROUPS, mapRangeOf, mapUnitOf } from './buckets.ts';
import { type HeatCell, HeatMap } from './heat-map.tsx';
import { MapPart } from './map-part.tsx';
import { timeOf } from './quality-text.ts';
import { chooseWeekHour } from './week-hour-choice.ts';

export interface QualityMapProps {
  readonly query: PageQuery;
  readonly range: TimeRange;
  onChange(change: Partial<PageQuery>): void;
}

/** Destinations of most calls that have a row. */
const MAX_DESTINATIONS = 12;

/** Where and when few calls are answered. A click on a cell narrows the filter to its calls. */
export function QualityMap({ query, range: whole, onChange }: QualityMapProps) {
  const { words, formats } = useView();
  const w = words.quality;
  const { map } = query;
  const range = mapRangeOf(whole, map);
  const unit = map === 'week' ? 'HOUR' : mapUnitOf(range);
  const asked = useAnswer(operations.qualityMap, {
    filter: cdrFilterOf(query, range),
    groupBy: map === 'week' ? ['HOUR'] : ['COUNTRY', unit],
    first: MAX_GROUPS,
    timeZone: formats.zone,
  });
  // What is drawn stays what it was asked for, until the next answer is there.
  const drawn = useRef<Drawn>(undefined);
  if (asked.answer && !asked.isOld) {
    drawn.current = {
      groups: asked.answer.data.cdrStats.rows,
      range,
      map,
      unit,
      isPart: range.from > whole.from,
    };
  }

  return (
    <section
      className="picture quality-map"
      data-picture="asr"
      data-map={drawn.current?.map}
      data-old={asked.isOld || undefined}
      aria-busy={asked.isLoading}
    >
      <header className="line-head">
        <h2>{fill(w.mapTitle, { zone: formats.zone })}</h2>
        <fieldset className="segments segments-small">
          <legend className="for-ears">{w.mapBy}</legend>
          {(['week', 'destinations'] as const).map((choice) => (
            <label key={choice}>
              <input
                type="radio"
                name="map"
                checked={map === choice}
                onChange={() => onChange({ map: choice })}
              />
              <span>{w.maps[choice]}</span>
            </label>
          ))}
        </fieldset>
      </header>
      <MapTrouble asked={asked} />
      {drawn.current?.isPart && <MapPart range={drawn.current.range} />}
      {drawn.current && <MapBody drawn={drawn.current} query={query} onChange={onChange} />}
    </section>
  );
}

function MapTrouble({ asked }: { readonly asked: Asked<QualityMapQuery, QualityMapQueryVariables> }) {
  if (asked.error === null) return null;
  return <Trouble error={asked.error} retry={asked.retry} isSmall />;
}

interface Drawn {
  readonly groups: readonly AsrGroup[];
  readonly range: TimeRange;
  readonly map: PageQuery['map'];
  /** Of a longer range. */
  readonly isPart: boolean;
  readonly unit: ReturnType<typeof mapUnitOf>;
}

interface MapProps {
  readonly drawn: Drawn;
  readonly query: PageQuery;
  onChange(change: Partial<PageQuery>): void;
}

function MapBody({ drawn, query, onChange }: MapProps) {
  const { words } = useView();
  if (drawn.groups.length === 0) return <p className="empty">{words.pictures.empty}</p>;
  return drawn.map === 'week' ? (
    <WeekMap drawn={drawn} query={query} onChange={onChange} />
  ) : (
    <DestinationMap drawn={drawn} query={query} onChange={onChange} />
  );
}

function WeekMap({ drawn: { groups, range }, onChange }: MapProps) {
  const view = useView();
  const { words, formats } = view;
  const isSmall = useIsSmall();
  const week = asrByWeekHour(groups, formats.weekHour);
  const spread = asrSpread(week.flat());
  return (
    <>
      <HeatMap
        label={words.quality.maps.week}
        scale="quality"
        isTransposed={isSmall}
        rows={week.map((_, weekday) => formats.weekday(weekday))}
        columns={Array.from({ length: 24 }, (_, hour) => String(hour))}
        cellOf={(weekday, hour) =>
          heatCell(week[weekday]![hour]!, spread, view, {
            name: `${formats.weekday(weekday)} ${hour}:00`,
            onChoose: chooseWeekHour({ weekday, hour }, range, formats.zone, onChange),
          })
        }
      />
      <Spread spread={spread} />
    </>
  );
}

function DestinationMap({ drawn: { groups, range, unit }, query, onChange }: MapProps) {
  const view = useView();
  const { words, formats } = view;
  const isSmall = useIsSmall();
  const { buckets, rows } = asrByDestination(groups, {
    range,
    unit,
    zone: formats.zone,
    most: MAX_DESTINATIONS,
  });
  const spread = asrSpread(rows.flatMap(({ cells }) => cells));
  const nameOf = (country: string | null) => (country === null ? words.unknown : formats.country(country));
  return (
    <>
      <HeatMap
        label={words.quality.maps.destinations}
        scale="quality"
        rows={rows.map(({ country }) => nameOf(country))}
        columns={buckets.map(({ start }) => columnName(start, unit, view))}
        namedColumns={Math.ceil(buckets.length / (isSmall ? 3 : 10))}
        cellOf={(row, column) => {
          const { country, cells } = rows[row]!;
          const { from, to } = buckets[column]!;
          return heatCell(cells[column]!, spread, view, {
            name: `${nameOf(country)}, ${timeOf(from, unit, view)}`,
            onChoose:
              country === null
                ? undefined
                : () =>
                    onChange({
                      country: [country],
                      notCountry: query.notCountry.filter((other) => other !== country),
                      from: new Date(from),
                      to: new Date(to),
                    }),
          });
        }}
      />
      <Spread spread={spread} />
    </>
  );
}

function columnName(start: number, unit: Drawn['unit'], { formats }: View): string {
  if (unit === 'MINUTE' || unit === 'QUARTER_HOUR' || unit === 'HOUR')
    return formats.clockTime(start).slice(0, 5);
  return unit === 'MONTH' ? formats.month(start) : formats.day(start);
}

function heatCell(
  cell: AsrCell,
  spread: { readonly low: number; readonly high: number },
  { words, formats }: View,
  { name, onChoose }: { readonly name: string; readonly onChoose: (() => void) | undefined },
): HeatCell {
  const asr = asrOf(cell);
  const said =
    asr === null
      ? words.quality.noCalls
      : fill(words.quality.cell, { asr: formats.percent(asr), n: formats.count(cell.attempts) });
  return {
    part: asr === null ? null : placeInSpread(asr, spread),
    ...(asr !== null && { short: String(Math.round(asr)) }),
    said,
    hint: `${name} – ${said}`,
    isFaint: cell.attempts < FEW_CALLS,
    onChoose: asr === null ? undefined : onChoose,
  };
}

/** What the colours mean. */
function Spread({
  spread: { low, high },
}: {
  readonly spread: { readonly low: number; readonly high: number };
}) {
  const { words, formats } = useView();
  return (
    <p className="heat-legend">
      <span>ASR {formats.percent(low)}</span>
      <span className="heat-ramp" aria-hidden="true" />
      <span>{formats.percent(high)}</span>
      <span className="heat-faint-key">{fill(words.quality.few, { n: formats.count(FEW_CALLS) })}</span>
    </p>
  );
}
