'use client';

import dynamic from 'next/dynamic';
import type { Listed } from '../calls/ask-page.ts';
import type { CallList } from '../calls/call-list.ts';
import { Icon } from '../chrome/icon.tsx';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import { asCurl, asGraphql, asJson } from '../drawer/copies.ts';
import { type PageQuery, views } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import * as operations from '../generated/operations.ts';
import type { Columns } from './use-columns.ts';

const ViewList = dynamic(() => import('../views/view-list.tsx'), { ssr: false });
const ColumnChooser = dynamic(() => import('./column-chooser.tsx'), { ssr: false });
const ShareMenu = dynamic(() => import('../views/share-menu.tsx'), { ssr: false });

export interface ListToolbarProps {
  readonly query: PageQuery;
  readonly range: TimeRange;
  readonly columns: Columns;
  readonly listed: Listed;
  /** Undefined while only calls of an earlier query are there. */
  readonly list: CallList | undefined;
  readonly hasFacets: boolean;
  onChange(change: Partial<PageQuery>): void;
  onFacets(): void;
  onExport(): void;
}

/** Rows that are copied as JSON at most: a clipboard is no file. */
const MAX_COPIED = 1000;

const viewIcons = { calls: 'table', now: 'pulse', pictures: 'chart', quality: 'line' } as const;

export function ListToolbar(props: ListToolbarProps) {
  const { query, range, columns, listed, list } = props;
  const { words, user } = useView();
  const w = words.toolbar;
  const variables = {
    filter: listed.filter,
    orderBy: listed.order,
    first: listed.size,
    after: null,
    counted: true,
  };
  return (
    <div className="toolbar" role="toolbar" aria-label={w.title}>
      {/* They are of the range, which is nothing to the last minutes. */}
      {query.view !== 'now' && (
        <button
          type="button"
          className={`button button-icon button-plain${props.hasFacets ? ' button-on' : ''}`}
          aria-label={w.facets}
          aria-pressed={props.hasFacets}
          data-hint={w.facets}
          onClick={props.onFacets}
        >
          <Icon name="filter" />
        </button>
      )}
      <fieldset className="segments">
        <legend className="for-ears">{w.view}</legend>
        {views.map((view) => (
          <label key={view}>
            <input
              type="radio"
              name="view"
              checked={query.view === view}
              onChange={() => props.onChange({ view })}
            />
            <span>
              <Icon name={viewIcons[view]} />
              <span className="word">{w[view]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="toolbar-end">
        <Popup label={words.views.title} icon="star" className="button button-plain">
          {(close) => (
            <ViewList
              query={query}
              range={range}
              columns={columns.chosen}
              onOpen={(search) => window.location.assign(`/calls${search}`)}
              onClose={close}
            />
          )}
        </Popup>
        <Popup label={w.copy} icon="copy" className="button button-plain">
          {() => (
            <ShareMenu
              query={query}
              range={range}
              columns={columns.chosen}
              items={[
                { name: 'graphql', text: () => asGraphql(operations.callPage, variables) },
                { name: 'curl', text: () => asCurl(operations.callPage, variables) },
                ...(list ? [{ name: 'json', text: () => asJson(firstCalls(list)) } as const] : []),
              ]}
            />
          )}
        </Popup>
        <Popup label={w.columns} icon="columns" className="button button-plain">
          {() => <ColumnChooser columns={columns} />}
        </Popup>
        <button
          type="button"
          className="button button-main"
          onClick={props.onExport}
          disabled={user.masked}
          data-hint={user.masked ? w.maskedHint : undefined}
        >
          <Icon name="download" />
          <span className="word">{w.export}</span>
        </button>
      </div>
    </div>
  );
}

function firstCalls(list: CallList): unknown[] {
  return Array.from({ length: Math.min(list.length, MAX_COPIED) }, (_, index) => list.at(index));
}
