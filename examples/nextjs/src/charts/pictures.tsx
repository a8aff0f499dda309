'use client';

import type { ReactNode } from 'react';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { Trouble } from '../chrome/trouble.tsx';
import { useIsSmall } from '../chrome/use-is-small.ts';
import { useView } from '../chrome/view.tsx';
import type { PageQuery } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import type {
  CdrDimension,
  CdrFilter,
  GroupsQuery,
  GroupsQueryVariables,
  StatsMeasure,
} from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import type { CellFilter } from '../table/cell-filter.ts';
import { meaningOf } from '../words/causes.ts';
import { fill } from '../words/fill.ts';
import { type Amount, byCalls } from './amounts.ts';
import { type BarItem, BarList } from './bar-list.tsx';
import { MAX_GROUPS, mapRangeOf } from './buckets.ts';
import { causeBars } from './cause-bars.ts';
import { HeatMap } from './heat-map.tsx';
import { MapPart } from './map-part.tsx';
import { useAccounts } from './use-accounts.ts';
import { weekOf } from './week.ts';
import { chooseWeekHour } from './week-hour-choice.ts';

type Group = NonNullable<GroupsQuery['cdrStats']>['rows'][number];
type Measure = PageQuery['measure'];

const measures = {
  attempts: 'ATTEMPTS',
  minutes: 'MINUTES',
  chargedAmount: 'CHARGED_AMOUNT',
} as const satisfies Record<Measure, StatsMeasure>;

/** Bars of a picture. */
const TOP = 12;
/** Groups by two dimensions, of which a picture has few bars. */
const MAX_PAIRS = 5000;

/** What all pictures are of. */
interface Drawable {
  readonly filter: CdrFilter;
  /** They are requested again so often. */
  readonly everyMillis: number | false;
}

export interface PicturesProps extends Drawable {
  readonly query: PageQuery;
  readonly range: TimeRange;
  /** What its calls cost, by currency. */
  readonly amounts: readonly Amount[];
  onFilter(filter: CellFilter, isExcluded: boolean): void;
  onChange(change: Partial<PageQuery>): void;
}

/** In a link the unknown currency has no name. */
const UNKNOWN = '';

/** Where the calls go, how they end, when they are made, and who makes them. */
export default function Pictures({ query, range, amounts, onFilter, onChange, ...drawable }: PicturesProps) {
  const { words, user } = useView();
  const { measure } = query;
  const currencies = byCalls(amounts).map(({ currency }) => currency);
  const chosen = currencies.findIndex((one) => (one ?? UNKNOWN) === query.currency);
  const currency = currencies[chosen] ?? (chosen < 0 ? (currencies[0] ?? null) : null);
  const drawn = { measure, currency };
  return (
    <div className="pictures">
      <fieldset className="segments">
        <legend>{words.pictures.by}</legend>
        {(Object.keys(measures) as Measure[]).map((name) => (
          <label key={name}>
            <input
              type="radio"
              name="measure"
              checked={measure === name}
              onChange={() => onChange({ measure: name })}
            />
            <span>{words.pictures.measures[name]}</span>
          </label>
        ))}
      </fieldset>
      {measure === 'chargedAmount' && currencies.length > 1 && (
        <fieldset className="segments" data-currencies={currencies.length}>
          <legend>{words.pictures.currency}</legend>
          {currencies.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="currency"
                checked={currency === one}
                onChange={() => onChange({ currency: one ?? UNKNOWN })}
              />
              <span>{one ?? words.unknown}</span>
            </label>
          ))}
        </fieldset>
      )}
      <div className="pictures-grid">
        <Destinations {...drawable} drawn={drawn} by={query.by} onFilter={onFilter} onChange={onChange} />
        <Causes {...drawable} onFilter={onFilter} />
        <Week {...drawable} range={range} drawn={drawn} onChange={onChange} />
        <Accounts {...drawable} drawn={drawn} onFilter={onFilter} isAdmin={user.role === 'admin'} />
      </div>
    </div>
  );
}

/** What is drawn: calls, minutes, or what was charged in one currency. */
interface Drawn {
  readonly measure: Measure;
  readonly currency: string | null;
}

interface PictureProps extends Drawable {
  readonly drawn: Drawn;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
}

interface Groups {
  readonly asked: Asked<GroupsQuery, GroupsQueryVariables>;
  readonly groups: readonly Group[];
  sizeOf(group: Group): number;
  /** The same, exactly. */
  textOf(group: Group): string;
  /** In words: of a group, or the average of some. */
  say(value: number | string): string;
}

/** Amounts are asked for by currency too, and those of one are drawn: of several they are not comparable. */
function useGroups(
  { filter, everyMillis }: Drawable,
  dimension: CdrDimension,
  drawn: Drawn,
  most = TOP,
): Groups {
  const { formats } = useView();
  const isCost = drawn.measure === 'chargedAmount';
  const variables: GroupsQueryVariables = {
    filter,
    groupBy: isCost ? [dimension, 'CURRENCY'] : [dimension],
    orderBy: dimension === 'HOUR' ? null : { measure: measures[drawn.measure], direction: 'DESC' },
    // However many groups there are in other currencies, whose amounts may all be larger.
    first: isCost ? MAX_GROUPS : most,
    timeZone: formats.zone,
  };
  const asked = useAnswer(operations.groups, variables, { everyMillis });
  // What is there may still be an answer to the measure before.
  const isOfCost = asked.variables?.groupBy.includes('CURRENCY') ?? false;
  const measure = isOfCost ? 'chargedAmount' : isCost ? 'attempts' : drawn.measure;
  const groups = isOfCost
    ? groupsOf(asked).filter(({ currency }) => currency === drawn.currency)
    : groupsOf(asked);
  return {
    asked,
    groups: groups.slice(0, most),
    sizeOf: (group) => Number(group[measure] ?? 0),
    textOf: (group) => String(group[measure] ?? 0),
    say(value) {
      if (measure === 'chargedAmount') return formats.money(String(value), drawn.currency);
      if (measure === 'minutes') return formats.decimal(String(value), 0);
      return formats.shortCount(Math.round(Number(value)));
    },
  };
}

type DestinationsProps = PictureProps & Pick<PicturesProps, 'onChange'> & { readonly by: PageQuery['by'] };

function Destinations({ drawn, by, onFilter, onChange, ...drawable }: DestinationsProps) {
  const { words, formats } = useView();
  const dimension = by === 'country' ? 'COUNTRY' : 'PREFIX';
  const { asked, groups, sizeOf, textOf, say } = useGroups(drawable, dimension, drawn);
  // By the groups that are there: those of the other choice are still to come.
  const isByPrefix = asked.variables?.groupBy.includes('PREFIX') ?? false;
  const countries = usePrefixCountries(drawable.filter, isByPrefix ? groups.map(({ prefix }) => prefix) : []);
  const barOf = (group: Group): Pick<BarItem, 'key' | 'name' | 'onChoose'> => {
    const { prefix, country } = group;
    if (isByPrefix) {
      const name =
        prefix === null ? words.unknown : [prefix, countries.get(prefix)].filter(Boolean).join(' ');
      return { key: String(prefix), name, onChoose: chooser('prefix', prefix) };
    }
    return {
      key: String(country),
      name: country === null ? words.unknown : formats.country(country),
      onChoose: chooser('country', country),
    };
  };
  const chooser = (part: 'prefix' | 'country', value: string | null) =>
    value === null || value === '' ? undefined : () => onFilter({ part, value }, false);
  return (
    <Picture name="destinations" title={words.pictures.destinations} asked={asked}>
      <fieldset className="segments segments-small">
        <legend className="for-ears">{words.pictures.destinations}</legend>
        {(['country', 'prefix'] as const).map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name="destinations"
              checked={by === choice}
              onChange={() => onChange({ by: choice })}
            />
            <span>{words.columns[choice]}</span>
          </label>
        ))}
      </fieldset>
      <BarList
        label={words.pictures.destinations}
        items={groups.map((group) => ({
          ...barOf(group),
          value: sizeOf(group),
          said: say(textOf(group)),
          detail: fill(words.pictures.asr, { asr: formats.percent(group.asr) }),
        }))}
      />
    </Picture>
  );
}

/** Where each prefix leads; those that lead into several countries name them all. */
function usePrefixCountries(
  filter: CdrFilter,
  given: readonly (string | null)[],
): ReadonlyMap<string, string> {
  const prefixes = given.filter((prefix) => prefix !== null && prefix !== '') as string[];
  const asked = useAnswer(
    operations.groups,
    {
      filter: { ...filter, prefixes },
      groupBy: ['PREFIX', 'COUNTRY'],
      orderBy: { measure: 'ATTEMPTS', direction: 'DESC' },
      first: MAX_PAIRS,
      timeZone: 'UTC',
    },
    { enabled: prefixes.length > 0 },
  );
  const named = groupsOf(asked).filter(({ prefix, country }) => prefix !== null && country !== null);
  const byPrefix = Map.groupBy(named, ({ prefix }) => prefix!);
  return new Map(
    [...byPrefix].map(([prefix, groups]) => [prefix, groups.map(({ country }) => country).join(', ')]),
  );
}

/** By calls, whatever else is measured: a failed call has no minutes. Of all calls, not of those with a bar. */
function Causes({ filter, everyMillis, onFilter }: Omit<PictureProps, 'drawn'>) {
  const { words, formats } = useView();
  const variables: GroupsQueryVariables = {
    filter,
    groupBy: ['DISCONNECT_CAUSE', 'OUTCOME'],
    orderBy: { measure: 'ATTEMPTS', direction: 'DESC' },
    first: MAX_PAIRS,
    timeZone: 'UTC',
  };
  const asked = useAnswer(operations.groups, variables, { everyMillis });
  const total = Number(asked.answer?.data.cdrStats.totals.attempts ?? 0);
  return (
    <Picture name="causes" title={words.pictures.causes} asked={asked}>
      <BarList
        label={words.pictures.causes}
        items={causeBars(groupsOf(asked), TOP).map(({ cause, attempts, parts }) => ({
          key: String(cause),
          name: cause === null ? words.causes.none : meaningOf(cause, words),
          value: attempts,
          said: formats.shortCount(attempts),
          detail: formats.percent((100 * attempts) / total),
          parts: parts.map((part) => ({
            outcome: part.outcome,
            value: part.attempts,
            hint: `${words.outcomes[part.outcome ?? 'UNKNOWN']}: ${formats.count(part.attempts)}`,
          })),
          onChoose:
            cause === null ? undefined : () => onFilter({ part: 'cause', value: String(cause) }, false),
        }))}
      />
    </Picture>
  );
}

type WeekProps = Omit<PictureProps, 'onFilter'> & Pick<PicturesProps, 'range' | 'onChange'>;

function Week({ filter: whole, everyMillis, range, drawn, onChange }: WeekProps) {
  const { words, formats } = useView();
  const isSmall = useIsSmall();
  const part = mapRangeOf(range, drawn.measure === 'chargedAmount' ? 'weekOfAmounts' : 'week');
  const isPart = part.from > range.from;
  const filter = isPart
    ? { ...whole, from: new Date(part.from).toISOString(), to: new Date(part.to).toISOString() }
    : whole;
  const { asked, groups, sizeOf, say } = useGroups({ filter, everyMillis }, 'HOUR', drawn, MAX_GROUPS);
  const hours = groups.map((group) => ({ at: Date.parse(group.bucket!), value: sizeOf(group) }));
  const week = weekOf(hours, formats.weekHour);
  const most = Math.max(...week.flat(), Number.MIN_VALUE);
  return (
    <Picture name="week" title={fill(words.pictures.week, { zone: formats.zone })} asked={asked} isWide>
      {isPart && <MapPart range={part} />}
      <HeatMap
        label={words.pictures.weekLabel}
        scale="amount"
        isTransposed={isSmall}
        rows={week.map((_, weekday) => formats.weekday(weekday))}
        columns={Array.from({ length: 24 }, (_, hour) => String(hour))}
        cellOf={(weekday, hour) => {
          const value = week[weekday]![hour]!;
          return {
            part: value / most,
            said: say(value),
            hint: `${formats.weekday(weekday)} ${hour}:00 – ${say(value)}`,
            onChoose:
              value > 0 ? chooseWeekHour({ weekday, hour }, range, formats.zone, onChange) : undefined,
          };
        }}
      />
    </Picture>
  );
}

function Accounts({ drawn, onFilter, isAdmin, ...drawable }: PictureProps & { readonly isAdmin: boolean }) {
  const { words, formats } = useView();
  const { asked, groups, sizeOf, textOf, say } = useGroups(drawable, 'ACCOUNT', drawn);
  const { byId: accounts } = useAccounts(groups.map(({ accountId }) => accountId!));
  return (
    <Picture name="accounts" title={words.pictures.accounts} asked={asked} isWide>
      <BarList
        label={words.pictures.accounts}
        items={groups.map((group) => ({
          key: group.accountId!,
          name: `${group.accountId} ${accounts.get(group.accountId!)?.username ?? ''}`,
          value: sizeOf(group),
          said: say(textOf(group)),
          detail: fill(words.pictures.asr, { asr: formats.percent(group.asr) }),
          onChoose: isAdmin ? () => onFilter({ part: 'account', value: group.accountId! }, false) : undefined,
        }))}
      />
    </Picture>
  );
}

interface FrameProps {
  readonly name: string;
  readonly title: string;
  readonly asked: Asked<GroupsQuery, GroupsQueryVariables>;
  readonly isWide?: boolean;
  readonly children: ReactNode;
}

function Picture({ name, title, asked, isWide = false, children }: FrameProps) {
  const { words } = useView();
  const isEmpty = asked.answer !== undefined && !asked.isOld && groupsOf(asked).length === 0;
  return (
    <section
      className={`picture${isWide ? ' picture-wide' : ''}`}
      aria-busy={asked.isLoading}
      data-picture={name}
      data-old={asked.isOld || undefined}
    >
      <h2>{title}</h2>
      {asked.error !== null && <Trouble error={asked.error} retry={asked.retry} isSmall />}
      {isEmpty ? <p className="empty">{words.pictures.empty}</p> : children}
    </section>
  );
}

function groupsOf(asked: Asked<GroupsQuery>): readonly Group[] {
  return asked.answer?.data.cdrStats.rows ?? [];
}
