'use client';

import dynamic from 'next/dynamic';
import type { Calls } from '../calls/use-calls.ts';
import { Icon } from '../chrome/icon.tsx';
import { useView } from '../chrome/view.tsx';
import { pageSizes } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import type { LiveTail } from '../live/use-live-tail.ts';
import { fill } from '../words/fill.ts';
import type { SoughtElsewhere } from './found-elsewhere.tsx';

const FoundElsewhere = dynamic(() => import('./found-elsewhere.tsx'), { ssr: false });

export interface ListEndProps {
  readonly calls: Calls;
  readonly live: LiveTail;
  readonly expected: number | null;
  readonly isEstimate: boolean;
  /** What the page can hold. */
  readonly most: number;
  readonly size: number;
  onSize(size: number): void;
  /** What is listed, where its calls could be found at other times soon: by a number or a Call-ID. */
  readonly singleCalls: SoughtElsewhere | undefined;
  onRange(range: TimeRange): void;
  onClear(): void;
  /** To the top, with the calls that wait there. */
  onTop(): void;
}

/** Below the rows: how many there are of how many, and how to get the rest; instead of them, why there are none. */
export function ListEnd({
  calls,
  live,
  expected,
  isEstimate,
  most,
  size,
  onSize,
  singleCalls,
  onRange,
  onClear,
  onTop,
}: ListEndProps) {
  const { words, formats } = useView();
  const { list, isWhole, stream } = calls;
  const e = words.end;
  const loaded = list.length;
  const isEmpty = loaded === 0 && !calls.isFirstLoad && !calls.isLoading && calls.error === null;
  const of = isWhole ? loaded : expected === null ? null : Math.max(expected, loaded);
  const isStreaming = stream?.kind === 'running';
  const canLoadAll = !isWhole && !isStreaming && loaded > 0 && loaded < most && !calls.isOld;
  const rest = Math.min(most, of ?? most);

  return (
    <>
      {live.waiting.length > 0 && (
        <button type="button" className="pill" data-waiting={live.waiting.length} onClick={onTop}>
          <Icon name="up" />
          {fill(e.appeared, { n: formats.count(live.waiting.length) })}
        </button>
      )}
      {isEmpty && (
        <div className="empty" data-empty="true">
          <p>{e.empty}</p>
          {singleCalls && <FoundElsewhere sought={singleCalls} onRange={onRange} />}
          <button type="button" className="button" onClick={onClear}>
            {words.filters.clear}
          </button>
        </div>
      )}
      {calls.isFirstLoad && calls.error === null && <div className="rows-skeleton" aria-hidden="true" />}
      <div className="status">
        <p role="status" data-loaded={loaded} data-whole={isWhole || undefined}>
          {of === null
            ? fill(e.loaded, { n: formats.count(loaded) })
            : fill(isWhole ? e.all : isEstimate ? e.loadedAbout : e.loadedOf, {
                n: formats.count(loaded),
                total: formats.count(of),
              })}
          {calls.isLoadingMore && <span className="aside"> {e.loading}</span>}
        </p>
        {canLoadAll && (
          <button
            type="button"
            className="button button-small"
            onClick={() => calls.loadAll(most)}
            data-hint={e.loadAllHint}
          >
            {fill(e.loadAll, { n: formats.shortCount(rest) })}
          </button>
        )}
        <label className="status-size">
          <span>{e.pageSize}</span>
          <select value={size} onChange={(event) => onSize(Number(event.target.value))}>
            {pageSizes.map((offered) => (
              <option key={offered} value={offered}>
                {offered}
              </option>
            ))}
          </select>
        </label>
        <span className="aside status-zone">{formats.zoneLabel(Date.now())}</span>
      </div>
    </>
  );
}
