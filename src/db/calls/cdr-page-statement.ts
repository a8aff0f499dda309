import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import type { Reader } from '../reader.ts';
import { shapeOfScope, valuesOfScope } from '../scope.ts';
import type { CdrColumnName } from '../sources/cdr-columns.ts';
import { postgresOfMicros } from '../timestamps.ts';
import { conditionOf } from './cdr-filter.ts';
import { type CdrKeyset, type CdrPage, cdrPageQuery, hasOnePlan, wayTo } from './cdr-pages.ts';

/** A page's statement with its values, as the wire wants it. */
export interface PageStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Whether one plan is right for all values, so that it may be kept: to plan a page costs as much as to read it. */
  readonly hasOnePlan: boolean;
}

/**
 * How far the standby has replayed, worked out once, after the statement's snapshot was taken: nothing that the
 * statement sees is missing there.
 */
const replayedLsn = sql<string>`(select pg_last_wal_replay_lsn()::text)`.as('replayed_lsn');

/** Texts kept per source; there are as many shapes of page as clients have kinds of question. */
const MAX_TEXTS = 1000;
const textsBySource = new WeakMap<object, Map<string, string>>();

/**
 * The statement of cdrPageQuery. Pages that differ only in values share their text, which is built once: to build it
 * costs more than to read fifty calls.
 */
export function cdrPageStatement(
  reader: Reader,
  page: CdrPage,
  columns: readonly CdrColumnName[],
  { withReplayedLsn = false } = {},
): PageStatement {
  const { order, fromEnd = false, after, before, limit } = page;
  const way = wayTo(reader, page);
  const { accountIds, ...others } = page.filter;
  const { text: shape, values: ofFilter } = conditionOf(way.by === 'accounts' ? others : page.filter);
  const scope = valuesOfScope(reader.scope);
  const ofKeys = way.by === 'accounts' ? [way.accountIds, ...scope] : scope;
  const values = [
    ...scope,
    ...(way.by === 'rows' ? [] : ofKeys),
    ...ofFilter,
    ...keysetValues(after),
    ...keysetValues(before),
  ];
  const key = [
    columns,
    withReplayedLsn,
    order,
    fromEnd,
    after && 'after',
    before && 'before',
    limit,
    way.by,
    shapeOfScope(reader.scope),
    shape,
  ].join('|');
  const texts = textsBySource.get(reader.source) ?? new Map<string, string>();
  textsBySource.set(reader.source, texts);
  const text = texts.get(key) ?? compile();
  if (texts.size < MAX_TEXTS) texts.set(key, text);
  return { text, values, hasOnePlan: hasOnePlan(reader, page) };

  function compile(): string {
    const query = cdrPageQuery(reader, page, columns);
    const { sql: compiled, parameters } = (withReplayedLsn ? query.select(replayedLsn) : query).compile();
    // The order of values is known twice, here and to Kysely; a text whose values went elsewhere must never be sent.
    if (!isDeepStrictEqual(parameters, values)) throw new Error('cdrPageStatement: values out of order');
    return compiled;
  }
}

function keysetValues(keyset: CdrKeyset | undefined): readonly unknown[] {
  return keyset ? [postgresOfMicros(keyset.micros), String(keyset.id)] : [];
}
