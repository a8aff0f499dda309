import { sql } from 'kysely';
import { shapeOfScope } from '../scope.ts';
import type { CdrColumnName } from '../sources/cdr-columns.ts';
import { type SlotValues, Statement, type StatementDeps } from '../statement.ts';
import { StatementCaches } from '../statement-cache.ts';
import type { CdrPage } from './cdr-page.ts';
import { cdrPageQuery, hasOnePlan, shapeOfPage, valuesOfPage, wayTo } from './cdr-pages.ts';
import { replayedPosition } from './replayed-position.ts';

/** A page's statement, and what is filled into it. */
export interface PageStatement {
  readonly statement: Statement<unknown>;
  readonly values: SlotValues;
  /** Whether one plan is right for all values, so that it may be kept: to plan a page costs as much as to read it. */
  readonly hasOnePlan: boolean;
}

/**
 * How far the standby has replayed, worked out once, after the statement's snapshot was taken: nothing that the
 * statement sees is missing there.
 */
const replayedLsn = sql<string>`(select ${replayedPosition})`.as('replayed_lsn');

/** Characters of text kept per source: some two thousand shapes of page. */
const MAX_CACHE_CHARACTERS = 4 * 1024 * 1024;
const caches = new StatementCaches(MAX_CACHE_CHARACTERS);

/**
 * The statement of `cdrPageQuery`. Pages that differ only in values share it, and it is built once: to build it costs
 * more than to read fifty calls. The key has the kind of scope, so that no kind is given what was built for another.
 */
export function cdrPageStatement(
  { source, scope }: StatementDeps,
  page: CdrPage,
  columns: readonly CdrColumnName[],
  { withReplayedLsn = false } = {},
): PageStatement {
  const deps = { source, scope };
  const way = wayTo(deps, page);
  const key = [shapeOfScope(scope), columns, withReplayedLsn, shapeOfPage(page, way)].join('|');
  const build = () =>
    Statement.build<unknown>(deps, 'cdrPage', (relations) => {
      const query = cdrPageQuery(relations, page, way, columns);
      return withReplayedLsn ? query.select(replayedLsn) : query;
    });
  return {
    statement: caches.of(source).get(key, build),
    values: valuesOfPage(page, way),
    hasOnePlan: hasOnePlan(deps, page),
  };
}
