'use client';

import dynamic from 'next/dynamic';
import { useCallback, useRef, useState } from 'react';
import type { Page } from './calls/ask-page.ts';
import { Histogram } from './charts/histogram.tsx';
import { Tiles } from './charts/tiles.tsx';
import { TopBar } from './chrome/top-bar.tsx';
import { useIsSmall } from './chrome/use-is-small.ts';
import { useStored } from './chrome/use-stored.ts';
import { useView } from './chrome/view.tsx';
import { applyFilter, unfilter } from './filter/apply-filter.ts';
import { hasIndexedNumber } from './filter/cdr-filter.ts';
import { Chips } from './filter/chips.tsx';
import { FilterBar } from './filter/filter-bar.tsx';
import { filterParts, type Question, questionParsers } from './filter/question.ts';
import { RangePicker } from './filter/range-picker.tsx';
import { FreshnessBadge } from './freshness/freshness-badge.tsx';
import { useShortcuts } from './keyboard/use-shortcuts.ts';
import { CallTable, type TableHandle } from './table/call-table.tsx';
import type { CellFilter } from './table/cell-filter.ts';
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
const Facets = dynamic(() => import('./charts/facets.tsx'), { ssr: false });

type SetQuestion = (change: Partial<Question>, options?: { history?: 'push' | 'replace' }) => unknown;

export interface ExplorerViewProps {
  readonly question: Question;
  readonly setQuestion: SetQuestion;
  readonly firstNow: number;
  readonly first: { readonly key: string; readonly page: Page } | undefined;
}

/** The page: what is asked at the top, its sums below, and the calls. */
export function ExplorerView({ question, setQuestion, firstNow, first }: ExplorerViewProps) {
  const { words, user } = useView();
  const isSmall = useIsSmall();
  const [hasFacets, setFacets] = useStored(isSmall ? 'facets small' : 'facets', !isSmall);
  const [hasFilters, setFilters] = useState(false);
  const explorer = useExplorer(question, { firstNow, first, hasFacets });
  const { calls, live, listed, refresh } = explorer;
  const { list } = calls;
  const columns = useColumns(user.role, user.name, isSmall);
  const table = useRef<TableHandle>(null);
  const place = usePlace({ list, listed, openId: question.call, table, setQuestion });
  const { focused, openIndex } = place;
  const [dialog, setDialog] = useState<'help' | 'export'>();
  const [lettersWork, setLetters] = useStored('letters', true);

  const change = useCallback(
    (part: Partial<Question>) => setQuestion(part, { history: 'push' }),
    [setQuestion],
  );
  const filterBy = useCallback(
    (filter: CellFilter, isExcluded: boolean) =>
      change({ ...applyFilter(question, filter, isExcluded), call: null }),
    [change, question],
  );
  const [clearings, setClearings] = useState(0);
  const clear = () => {
    // What is being typed is cleared too: it would come back a moment later.
    setClearings(clearings + 1);
    change({
      ...Object.fromEntries(
        filterParts.map((part) => [
          part,
          'defaultValue' in questionParsers[part] ? questionParsers[part].defaultValue : null,
        ]),
      ),
      from: null,
      to: null,
    });
  };
  const toggleLive = () => {
    if (!live.isLive) change({ order: 'newest', from: null, to: null, view: 'calls' });
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
      ['/', () => document.getElementById('number-cld')?.focus()],
      ['?', () => setDialog('help')],
      ['t', () => press('range-button')],
      ['f', () => press('filter-button')],
      ['u', () => setQuestion({ zone: otherZone(question.zone) }, { history: 'replace' })],
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
      <a className="skip" href={question.view === 'calls' ? '#calls' : '#list'}>
        {words.skip}
      </a>
      <TopBar
        zone={question.zone}
        onZone={(zone) => setQuestion({ zone }, { history: 'replace' })}
        onHelp={() => setDialog('help')}
      >
        <FreshnessBadge
          freshness={explorer.shownFreshness}
          status={explorer.freshness}
          maxStaleness={explorer.maxStaleness}
          onDemand={explorer.setMaxStaleness}
        />
      </TopBar>
      <section className="asking" aria-label={words.filters.title}>
        <RangePicker
          question={question}
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
          question={question}
          range={explorer.range}
          isOpen={hasFilters}
          onChange={change}
        />
        <Chips question={question} onChange={change} onClear={clear} />
      </section>
      <Tiles asked={explorer.tiles} />
      <Histogram
        histogram={explorer.histogram}
        onZoom={({ from, to }) => change({ from: new Date(from), to: new Date(to) })}
      />
      <main className="list" id="list" tabIndex={-1}>
        <ListToolbar
          question={question}
          columns={columns}
          listed={listed}
          list={calls.isOld ? undefined : list}
          hasFacets={hasFacets}
          onChange={change}
          onFacets={() => setFacets(!hasFacets)}
          onExport={() => setDialog('export')}
        />
        <ListNotes calls={calls} live={live} error={explorer.signedOut ?? calls.error} retry={calls.retry} />
        <div className={hasFacets ? 'body body-facets' : 'body'}>
          {hasFacets && (
            <Facets
              question={question}
              asked={explorer.tiles}
              onFilter={filterBy}
              onUnfilter={(part) => change(unfilter(part))}
            />
          )}
          {question.view === 'pictures' ? (
            <Pictures filter={explorer.sumsFilter} amounts={explorer.amounts} onFilter={filterBy} />
          ) : (
            <CallTable
              ref={table}
              list={list}
              columns={columns}
              focused={focused}
              order={question.order}
              rowCount={calls.isWhole ? list.length : (explorer.expected ?? -1)}
              isOld={calls.isOld}
              isBusy={calls.isLoading}
              isSmall={isSmall}
              fresh={live.fresh}
              onFocus={place.focus}
              onOpen={place.open}
              onOrder={() => change({ order: question.order === 'newest' ? 'oldest' : 'newest' })}
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
                  soughtNumber={hasIndexedNumber(listed.filter) ? listed : undefined}
                  onRange={({ from, to }) => change({ from: new Date(from), to: new Date(to) })}
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
      {question.call && (
        <CallDrawer
          id={question.call}
          row={openCall}
          place={openIndex >= 0 ? `${openIndex + 1} / ${list.length}` : ''}
          canGoBack={openIndex > 0}
          canGoOn={openIndex >= 0 && openIndex < list.length - 1}
          onClose={() => setQuestion({ call: null }, { history: 'replace' })}
          onStep={place.step}
          onFilter={filterBy}
          onOpenCall={(call) => setQuestion({ call }, { history: 'replace' })}
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

/** UTC, and the zone of the reader's own clock. */
function otherZone(zone: string): string {
  return zone === 'UTC' ? Intl.DateTimeFormat().resolvedOptions().timeZone : 'UTC';
}
