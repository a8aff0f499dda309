import type { CatalogueIndex, CatalogueIndexColumn, CatalogueTable } from './catalogue.ts';

/** An index without which some statement reads the whole table. */
export interface WantedIndex {
  readonly table: string;
  /** Compared with `=`; any order. */
  readonly equal: readonly string[];
  /** Then newest first, all in one direction. */
  readonly ordered: readonly string[];
  /** What happens without it; completes "Without an index …". */
  readonly because: string;
}

/** The two orders every list has, of one account and of all; and one call by its key. */
export function keysetIndexes(table: string, key: string): readonly WantedIndex[] {
  const ordered = ['connect_time', key];
  return [
    { table, equal: ['i_account'], ordered, because: 'lists of one account read and sort all its calls' },
    { table, equal: [], ordered, because: 'lists of every account read and sort the whole table' },
    { table, equal: [key], ordered: [], because: 'one call is found by reading all of them' },
  ];
}

export function hasKeysetIndexes(table: CatalogueTable, key: string): boolean {
  return keysetIndexes(table.name, key).every((wanted) => remedyFor(table, wanted) === null);
}

/** Whether the index gives the rows in the wanted order, forwards or backwards, without a sort. */
export function serves(index: CatalogueIndex, wanted: WantedIndex): boolean {
  if (!index.isValid || index.isPartial || index.method !== 'btree') return false;
  const equal = index.columns.slice(0, wanted.equal.length).map(({ name }) => name);
  const ordered = index.columns.slice(wanted.equal.length, wanted.equal.length + wanted.ordered.length);
  return (
    equal.toSorted().join() === wanted.equal.toSorted().join() &&
    ordered.map(({ name }) => name).join() === wanted.ordered.join() &&
    runsOneWay(ordered)
  );
}

/** All ascending or all descending, nulls where ORDER BY puts them. */
function runsOneWay(columns: readonly CatalogueIndexColumn[]): boolean {
  const first = columns[0]!;
  return columns.every(({ descending, nullsAsUsual }) => nullsAsUsual && descending === first.descending);
}

/** What to run on the primary so that the wanted index is there; null when some index already serves. */
export function remedyFor(table: CatalogueTable, wanted: WantedIndex): string | null {
  if (table.indexes.some((index) => serves(index, wanted))) return null;
  const name = nameOf(table, wanted);
  const namesake = table.indexes.find((index) => index.name === name);
  const columns = [...wanted.equal, ...wanted.ordered.map((column) => `${column} desc`)].join(', ');
  const drop = namesake ? `drop index concurrently ${name}; ` : '';
  return `${drop}create index concurrently ${name} on ${table.name} (${columns});`;
}

/** As PostgreSQL itself would name it, and as the migrations do. */
const nameOf = (table: CatalogueTable, { equal, ordered }: WantedIndex): string =>
  [table.name, ...equal, ...ordered, 'idx'].join('_');

/** Indexes on text whose order this host's C library may see differently from the primary's. */
export function spoiltByCollation(index: CatalogueIndex): CatalogueIndexColumn | undefined {
  if (index.method !== 'btree') return undefined;
  return index.columns.find(
    ({ collation, isPattern }) =>
      collation !== null &&
      !isPattern &&
      !collation.isBytewise &&
      collation.actualVersion !== null &&
      collation.recordedVersion !== collation.actualVersion,
  );
}
