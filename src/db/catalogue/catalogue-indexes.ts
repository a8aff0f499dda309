import type { CatalogueIndex, CatalogueIndexColumn, CatalogueTable } from './catalogue.ts';

/** An index without which some statement reads the whole table. */
export interface WantedIndex {
  readonly table: string;
  /** Compared with `=`; any order. */
  readonly equal: readonly string[];
  /** Or this one alone, a text of which the beginning is sought, byte by byte. */
  readonly begins?: string;
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

/** Numbers are sought by their beginning. Those of columns that are not there, or no texts, are not wanted. */
export function numberIndexes(
  table: string,
  columns: readonly string[],
  ordered: readonly string[],
): readonly WantedIndex[] {
  return columns.map((begins) => ({
    table,
    equal: [],
    begins,
    ordered,
    because: `a number in ${table}.${begins} is sought by reading every call of the times and accounts`,
  }));
}

export function hasKeysetIndexes(table: CatalogueTable, key: string): boolean {
  return keysetIndexes(table.name, key).every((wanted) => remedyFor(table, wanted) === null);
}

/** Whether an index gives the calls of one customer in order. */
export function hasCustomerKeysets(table: CatalogueTable, key: string): boolean {
  const wanted = { equal: ['i_customer'], ordered: ['connect_time', key] };
  return table.indexes.some((index) => serves(index, wanted));
}

export function hasKeyIndex(table: CatalogueTable, key: string): boolean {
  const [wanted] = keysetIndexes(table.name, key).slice(-1);
  return remedyFor(table, wanted!) === null;
}

/** Whether the index gives the rows in the wanted order, forwards or backwards, without a sort. */
export function serves(
  index: CatalogueIndex,
  wanted: Pick<WantedIndex, 'equal' | 'begins' | 'ordered'>,
): boolean {
  if (!index.isValid || index.isPartial || index.method !== 'btree') return false;
  if (wanted.begins !== undefined) return seeksBeginnings(index.columns[0]!, wanted.begins);
  const equal = index.columns.slice(0, wanted.equal.length).map(({ name }) => name);
  const ordered = index.columns.slice(wanted.equal.length, wanted.equal.length + wanted.ordered.length);
  return (
    equal.toSorted().join() === wanted.equal.toSorted().join() &&
    ordered.map(({ name }) => name).join() === wanted.ordered.join() &&
    runsOneWay(ordered)
  );
}

/** An index whose order is that of a language finds no beginnings. */
function seeksBeginnings({ name, isPattern, collation }: CatalogueIndexColumn, wanted: string): boolean {
  return name === wanted && (isPattern || collation?.isBytewise === true);
}

/** All ascending or all descending, nulls where ORDER BY puts them. */
function runsOneWay(columns: readonly CatalogueIndexColumn[]): boolean {
  const first = columns[0]!;
  return columns.every(({ descending, nullsAsUsual }) => nullsAsUsual && descending === first.descending);
}

/** What to run on the primary so that the wanted index is there; null when some index already serves. */
export function remedyFor(table: CatalogueTable, wanted: WantedIndex): string | null {
  const { begins } = wanted;
  if (begins !== undefined && !/^(text|character varying)/.test(table.columns.get(begins) ?? '')) return null;
  if (table.indexes.some((index) => serves(index, wanted))) return null;
  const name = nameOf(table, wanted);
  const namesake = table.indexes.find((index) => index.name === name);
  const columns = [
    ...wanted.equal,
    ...(begins === undefined ? [] : [`${begins} text_pattern_ops`]),
    ...wanted.ordered.map((column) => `${column} desc`),
  ].join(', ');
  const drop = namesake ? `${dropIndex(table, name)}; ` : '';
  return `${drop}create index${concurrentlyOn(table)} ${name} on ${table.name} (${columns});`;
}

export function dropIndex(table: Pick<CatalogueTable, 'partitionKey'>, name: string): string {
  return `drop index${concurrentlyOn(table)} ${name}`;
}

/** PostgreSQL does nothing concurrently to the indexes of a partitioned table. */
function concurrentlyOn({ partitionKey }: Pick<CatalogueTable, 'partitionKey'>): string {
  return partitionKey === null ? ' concurrently' : '';
}

/** As PostgreSQL itself would name it, and as the migrations do. */
const nameOf = (table: CatalogueTable, { equal, begins, ordered }: WantedIndex): string =>
  [table.name, ...equal, ...(begins === undefined ? [] : [begins]), ...ordered, 'idx'].join('_');

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
