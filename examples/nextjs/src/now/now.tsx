'use client';

import { useEffect, useMemo } from 'react';
import { useNames } from '../accounts/account-names.tsx';
import type { Freshness } from '../asking/execute.ts';
import { type BarItem, BarList } from '../charts/bar-list.tsx';
import { Histogram } from '../charts/histogram.tsx';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { timelessFilterOf } from '../filter/cdr-filter.ts';
import type { PageQuery } from '../filter/page-query.ts';
import { lengthOf, type TimeRange } from '../filter/time-range.ts';
import type { CellFilter } from '../table/cell-filter.ts';
import { fill } from '../words/fill.ts';
import type { Figures, Group } from './call-window.ts';
import { Failures } from './failures.tsx';
import { type Recent, useRecent } from './use-recent.ts';

export interface NowProps {
  readonly query: PageQuery;
  /** Calls that the user may have at once. */
  readonly maxPage: number;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
  /** The reader wants to see the calls of this time. */
  onZoom(range: TimeRange): void;
  onOpen(callId: string): void;
  /** As of when the figures are. */
  onFreshness(freshness: Freshness | undefined): void;
}

/** What happens now: calls per second, how many are answered, by account and destination, and the latest that failed. */
export default function Now({ query, maxPage, onFilter, onZoom, onOpen, onFreshness }: NowProps) {
  const { words, user } = useView();
  const filter = useMemo(() => timelessFilterOf(query), [query]);
  const recent = useRecent(filter, maxPage);
  const { figures, freshness } = recent;
  useEffect(() => {
    onFreshness(freshness);
    return () => onFreshness(undefined);
  }, [freshness, onFreshness]);
  const names = useNames(accountsIn(figures), []);
  const choose = (part: 'account' | 'country', { key }: Group) =>
    key === null || (part === 'account' && user.role !== 'admin')
      ? undefined
      : () => onFilter({ part, value: key }, false);
  return (
    <div
      className="pictures now"
      data-now={recent.state}
      data-from={figures?.range.from}
      data-to={figures?.range.to}
      aria-busy={figures === undefined}
    >
      <NowNotes recent={recent} />
      {figures && (
        <>
          <NowTiles figures={figures} />
          <Histogram
            histogram={{
              bars: figures.bars,
              range: figures.range,
              variables: undefined,
              isOld: false,
              isLoading: false,
              error: null,
              retry() {},
            }}
            onZoom={onZoom}
          />
          <div className="pictures-grid">
            <Groups
              name="accounts"
              title={words.pictures.accounts}
              groups={figures.accounts}
              nameOf={({ key }) => (key === null ? words.unknown : names.account(key))}
              onChoose={(group) => choose('account', group)}
            />
            <Destinations groups={figures.destinations} onChoose={(group) => choose('country', group)} />
            <Failures calls={figures.failures} accountName={names.account} onOpen={onOpen} />
          </div>
        </>
      )}
    </div>
  );
}

function accountsIn(figures: Figures | undefined): string[] {
  if (!figures) return [];
  const ids = [
    ...figures.accounts.map(({ key }) => key),
    ...figures.failures.map(({ accountId }) => accountId),
  ];
  return [...new Set(ids.filter((id) => id !== null))];
}

/** Of which time the figures are, and why they stand still where they do. */
function NowNotes({ recent }: { readonly recent: Recent }) {
  const { words, formats } = useView();
  const { figures, state, error, retry } = recent;
  const w = words.now;
  if (!figures)
    return error === null ? (
      <p role="status">{words.loading}</p>
    ) : (
      <Trouble error={error} retry={retry} isSmall />
    );
  const { value, unit } = lengthOf(figures.range);
  return (
    <>
      <p className="now-about">
        {fill(w.about, {
          length: formats.length(value, unit),
          time: formats.clockTime(figures.range.to),
        })}
      </p>
      {state === 'lost' ? (
        <p className="note" role="status">
          <Icon name="plug" />
          {w.lost}
        </p>
      ) : error !== null ? (
        <Trouble error={error} retry={retry} isSmall />
      ) : (
        state === 'polled' && (
          <p className="note" role="status">
            <Icon name="clock" />
            {w.polled}
          </p>
        )
      )}
    </>
  );
}

function NowTiles({ figures: { range, attempts, answered } }: { readonly figures: Figures }) {
  const { words, formats } = useView();
  const seconds = (range.to - range.from) / 1000;
  const asr = attempts === 0 ? null : (100 * answered) / attempts;
  const tiles = [
    {
      name: 'perSecond',
      title: words.quality.measures.callsPerSecond,
      value: seconds > 0 ? formats.decimal(String(attempts / seconds), 2) : formats.percent(null),
      below: words.now.perSecondBelow,
    },
    {
      name: 'calls',
      title: words.tiles.calls,
      value: formats.count(attempts),
      below: fill(words.tiles.callsBelow, {
        answered: formats.shortCount(answered),
        failed: formats.shortCount(attempts - answered),
      }),
    },
    {
      name: 'success',
      title: words.tiles.success,
      value: formats.percent(asr),
      below: words.now.asrBelow,
    },
  ];
  return (
    <div className="tiles">
      {tiles.map(({ name, title, value, below }) => (
        <div key={name} className="tile" data-tile={name}>
          <h2>{title}</h2>
          <p className="tile-value">{value}</p>
          <p className="tile-below">{below}</p>
        </div>
      ))}
    </div>
  );
}

interface GroupsProps {
  readonly name: 'accounts' | 'destinations';
  readonly title: string;
  readonly groups: readonly Group[];
  nameOf(group: Group): string;
  onChoose(group: Group): (() => void) | undefined;
}

function Destinations(props: Pick<GroupsProps, 'groups' | 'onChoose'>) {
  const { words, formats } = useView();
  return (
    <Groups
      {...props}
      name="destinations"
      title={words.pictures.destinations}
      nameOf={({ key }) => (key === null ? words.unknown : formats.country(key))}
    />
  );
}

/** Each with its calls and how many of them were answered. */
function Groups({ name, title, groups, nameOf, onChoose }: GroupsProps) {
  const { words, formats } = useView();
  const items = groups.map(
    (group): BarItem => ({
      key: String(group.key),
      name: nameOf(group),
      value: group.attempts,
      said: formats.shortCount(group.attempts),
      detail: fill(words.pictures.asr, { asr: formats.percent((100 * group.answered) / group.attempts) }),
      onChoose: onChoose(group),
    }),
  );
  return (
    <section className="picture" data-picture={name}>
      <h2>{title}</h2>
      {items.length === 0 ? (
        <p className="empty">{words.pictures.empty}</p>
      ) : (
        <BarList label={title} items={items} />
      )}
    </section>
  );
}
