'use client';

import dynamic from 'next/dynamic';
import { useCallback, useRef, useState } from 'react';
import type { Freshness } from './asking/execute.ts';
import type { Listed, Page } from './calls/ask-page.ts';
import { Histogram } from './charts/histogram.tsx';
import { Tiles } from './charts/tiles.tsx';
import { TopBar } from './chrome/top-bar.tsx';
import { useIsSmall } from './chrome/use-is-small.ts';
import { useStored } from './chrome/use-stored.ts';
import { useView } from './chrome/view.tsx';
import { applyFilter, unfilter } from './filter/apply-filter.ts';
import { isForSingleCalls, timelessFilterOf } from './filter/cdr-filter.ts';
import { Chips } from './filter/chips.tsx';
import { FilterBar } from './filter/filter-bar.tsx';
import { filterParts, type PageQuery, queryParsers } from './filter/page-query.ts';
import { RangePicker } from './filter/range-picker.tsx';
import { endsNow } from './filter/time-range.ts';
import { FreshnessBadge } from './freshness/freshness-badge.tsx';
import { useShortcuts } from './keyboard/use-shortcuts.ts';
import { CallTable, type TableHandle } from './table/call-table.tsx';
import type { CellFilter } from './table/cell-filter.ts';
import type { SoughtElsewhere } from './table/found-elsewhere.tsx';
import { ListEnd } from './table/list-end.tsx';
import { ListNotes } from './table/list-notes.tsx';
import { ListToolbar } from './table/list-toolbar.tsx';
import { useColumns } from './table/use-columns.ts';
import { useCopiedRow } from './table/use-copied-row.ts';
import { usePlace } from './table/use-place.ts';
import { useExplorer } from './use-explorer.ts';

const CallDrawer = dynamic(() => import('./drawer/call-drawer.tsx'), { ssr: false });
const ExportDialog = dynamic(() => import('./download/export-dialog.tsx'), { ssr: false });
const HelpDialog = dynamic(() => import('./keyboard/help-dialog.tsx'), { ssr: false });
const Pictures = dynamic(() => import('./charts/pictures.tsx'), { ssr: false });
const Quality = dynamic(() => import('./charts/quality.tsx'), { ssr: false });
const Now = dynamic(() => import('./now/now.tsx'), { ssr: false });
const Facets = dynamic(() => import('./charts/facets.tsx'), { ssr: false });

type SetQuery = (change: Partial<PageQuery>, options?: { history?: 'push' | 'replace' }) => unknown;

export interface ExplorerViewProps {
  readonly query: PageQuery;
  readonly setQuery: SetQuery;
  readonly firstNow: number;
  readonly first: { readonly key: string; readonly page: Page } | undefined;
}

/** The page: what is asked at the top, its sums below, and the calls. */
export function ExplorerView({ query, setQuery, firstNow, first }: ExplorerViewProps) {
  const { words, user } = useView();
  const isSmall = useIsSmall();
  const isNow = query.view === 'now';
  const [wantsFacets, setFacets] = useStored(isSmall ? 'facets small' : 'facets', !isSmall);
  // They are of the range.
  const hasFacets = wantsFacets && !isNow;
  const [hasFilters, setFilters] = useState(false);
  const [nowFreshness, setNowFreshness] = useState<Freshness>();
  const explorer = useExplorer(query, { firstNow, first, hasFacets });
  const { calls, live, listed, refresh } = explorer;
  const { list } = calls;
  const columns = useColumns(user.role, user.name, isSmall, {
    linked: query.columns,
    onLink: (chosen) => setQuery({ columns: [...chosen] }, { history: 'replace' }),
  });
  const table = useRef<TableHandle>(null);
  const place = usePlace({ list, listed, openId: query.call, table, setQuery });
  const { focused, openIndex } = place;
  const [dialog, setDialog] = useState<'help' | 'export'>();
  const [lettersWork, setLetters] = useStored('letters', true);

  const change = useCallback((part: Partial<PageQuery>) => setQuery(part, { history: 'push' }), [setQuery]);
  const filterBy = useCallback(
    (filter: CellFilter, isExcluded: boolean) =>
      change({ ...applyFilter(query, filter, isExcluded), call: null }),
    [change, query],
  );
  const [clearings, setClearings] = useState(0);
  const clear = () => {
    // What is being typed is cleared too: it would come back a moment later.
    setClearings(clearings + 1);
    change({
      ...Object.fromEntries(
        filterParts.map((part) => [
          part,
          'defaultValue' in queryParsers[part] ? queryParsers[part].defaultValue : null,
        ]),
      ),
      from: null,
      to: null,
    });
  };
  const toggleLive = () => {
    const range = endsNow(query.range) ? query.range : '24h';
    if (!live.isLive) change({ order: 'newest', range, from: null, to: null, view: 'calls' });
    live.toggle();
  };

  const press = (id: string) => document.getElementById(id)?.click();
  useShortcuts(
    [
      ['j ArrowDown', () => place.moveBy(1)],
      ['k ArrowUp', () => place.moveBy(-1)],
      ['PageDown', () => place.moveBy('screen')],
      ['PageUp', () => place.moveBy('screen up')],
      ['Home', () => place.moveTo(0)],
      ['End', () => place.moveTo(list.length - 1)],
      ['Enter', () => place.open(focused)],
      ['/', () => document.getElementById('search')?.focus()],
      ['Escape', () => query.call && setQuery({ call: null }, { history: 'replace' })],
      ['?', () => setDialog('help')],
      ['t', () => press('range-button')],
      ['f', () => press('filter-button')],
      ['u', () => setQuery({ zone: otherZone(query.zone) }, { history: 'replace' })],
      ['r', refresh],
      ['l', toggleLive],
      ['e', () => !user.masked && setDialog('export')],
    ],
    lettersWork,
  );
  useCopiedRow(list.at(focused));

  const openCall = list.at(openIndex);
  const { loadMore } = calls;
  const nearEnd = useCallback(() => {
    if (calls.hasMore) loadMore();
  }, [calls.hasMore, loadMore]);

  return (
    <div className="explorer">
      <a className="skip" href={query.view === 'calls' ? '#calls' : '#list'}>
        {words.skip}
      </a>
      <TopBar
        zone={query.zone}
        onZone={(zone) => setQuery({ zone }, { history: 'replace' })}
        onHelp={() => setDialog('help')}
      >
        <FreshnessBadge
          freshness={isNow ? nowFreshness : explorer.shownFreshness}
          status={explorer.freshness}
          maxStaleness={explorer.maxStaleness}
          onDemand={(fresh) => setQuery({ fresh }, { history: 'replace' })}
        />
      </TopBar>
      <section className="asking" aria-label={words.filters.title}>
        <RangePicker
          query={query}
          range={explorer.range}
          onQuick={(range) => {
            change({ range, from: null, to: null });
            refresh();
          }}
          onCustom={({ from, to }) => change({ from: new Date(from), to: new Date(to) })}
          isLive={live.isLive}
          onLive={toggleLive}
          onRefresh={refresh}
          hasFilters={hasFilters}
          onFilters={() => setFilters(!hasFilters)}
        />
        <FilterBar
          key={clearings}
          query={query}
          range={explorer.range}
          isOpen={hasFilters}
          onChange={change}
        />
        <Chips query={query} onChange={change} onClear={clear} />
      </section>
      {!isNow && (
        <>
          <Tiles asked={explorer.tiles} />
          <Histogram
            histogram={explorer.histogram}
            onZoom={({ from, to }) => change({ from: new Date(from), to: new Date(to) })}
          />
        </>
      )}
      <main className="list" id="list" tabIndex={-1}>
        <ListToolbar
          query={query}
          range={explorer.range}
          columns={columns}
          listed={listed}
          list={calls.isOld ? undefined : list}
          hasFacets={hasFacets}
          onChange={change}
          onFacets={() => setFacets(!wantsFacets)}
          onExport={() => setDialog('export')}
        />
        <ListNotes calls={calls} live={live} error={explorer.signedOut ?? calls.error} retry={calls.retry} />
        <div className={hasFacets ? 'body body-facets' : 'body'}>
          {hasFacets && (
            <Facets
              query={query}
              asked={explorer.tiles}
              opened={explorer.opened}
              onOpen={explorer.openFacet}
              onFilter={filterBy}
              onUnfilter={(part) => change(unfilter(part))}
            />
          )}
          {query.view === 'pictures' ? (
            <Pictures
              query={query}
              filter={listed.filter}
              everyMillis={explorer.everyMillis}
              range={explorer.sumsRange}
              amounts={explorer.amounts}
              onFilter={filterBy}
              onChange={change}
            />
          ) : isNow ? (
            <Now
              query={query}
              maxPage={explorer.maxPage}
              onFilter={filterBy}
              onZoom={({ from, to }) => change({ from: new Date(from), to: new Date(to), view: 'calls' })}
              onOpen={(call) => setQuery({ call }, { history: 'push' })}
              onFreshness={setNowFreshness}
            />
          ) : query.view === 'quality' ? (
            <Quality query={query} range={explorer.sumsRange} onChange={change} />
          ) : (
            <CallTable
              ref={table}
              list={list}
              columns={columns}
              focused={focused}
              order={query.order}
              rowCount={calls.isWhole ? list.length : (explorer.expected ?? -1)}
              isOld={calls.isOld}
              isBusy={calls.isLoading}
              isSmall={isSmall}
              fresh={live.fresh}
              onFocus={place.focus}
              onOpen={place.open}
              onOrder={() => change({ order: query.order === 'newest' ? 'oldest' : 'newest' })}
              onNearEnd={nearEnd}
              onTop={explorer.setAtTop}
              onFilter={filterBy}
              end={
                <ListEnd
                  calls={calls}
                  live={live}
                  expected={explorer.expected}
                  isEstimate={explorer.isEstimate}
                  most={explorer.most}
                  size={listed.size}
                  singleCalls={soughtElsewhere(query, listed)}
                  onRange={({ from, to }) =>
                    change({ from: new Date(from), to: new Date(to), weekHour: null })
                  }
                  onSize={(size) => change({ size })}
                  onClear={clear}
                  onTop={() => {
                    live.take();
                    place.moveTo(0);
                  }}
                />
              }
            />
          )}
        </div>
      </main>
      {query.call && (
        <CallDrawer
          id={query.call}
          row={openCall}
          place={openIndex >= 0 ? `${openIndex + 1} / ${list.length}` : ''}
          canGoBack={openIndex > 0}
          canGoOn={openIndex >= 0 && openIndex < list.length - 1}
          onClose={() => setQuery({ call: null }, { history: 'replace' })}
          onStep={place.step}
          onFilter={filterBy}
          onOpenCall={(call) => setQuery({ call }, { history: 'replace' })}
        />
      )}
      {dialog === 'help' && (
        <HelpDialog lettersWork={lettersWork} onLetters={setLetters} onClose={() => setDialog(undefined)} />
      )}
      {dialog === 'export' && (
        <ExportDialog
          filter={listed.filter}
          order={listed.order}
          shown={columns.shown.map(({ column }) => column.id)}
          expected={explorer.expected}
          isEstimate={explorer.isEstimate}
          most={explorer.maxPage}
          onClose={() => setDialog(undefined)}
        />
      )}
    </div>
  );
}

function soughtElsewhere(query: PageQuery, { filter, maxStaleness }: Listed): SoughtElsewhere | undefined {
  if (!isForSingleCalls(filter)) return undefined;
  return { filter: timelessFilterOf(query), to: filter.to ?? null, maxStaleness };
}

/** UTC, and the zone of the reader's own clock. */
function otherZone(zone: string): string {
  return zone === 'UTC' ? Intl.DateTimeFormat().resolvedOptions().timeZone : 'UTC';
}
