import type { Principal } from '../access/principals.ts';
import { checkPermission } from '../access/roles.ts';
import { estimateCdrs } from '../db/calls/cdr-estimate.ts';
import type { CdrFilter } from '../db/calls/cdr-filter.ts';
import type { CdrKeyset, CdrOrder } from '../db/calls/cdr-page.ts';
import {
  type CdrRow,
  countCdrs,
  keysetOf,
  selectCdr,
  selectCdrPage,
  selectKeyBeyond,
} from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import type { CdrColumnName } from '../db/sources/cdr-columns.ts';
import { InvalidArgumentError, PageTooLargeError, UnreadableValueError } from '../errors.ts';
import { type CdrEnds, findEnds, liesBeyond } from './cdr-ends.ts';
import { type CdrFilterArgument, parseFilter, parseId } from './cdr-filter.ts';
import { cursorPrefix, decodeCursor, encodeCursor } from './cursor.ts';
import { paced } from './paced.ts';

/** Calls per page when neither `first` nor `last` is given. */
export const DEFAULT_PAGE = 50;

export interface CdrsArguments {
  readonly filter?: CdrFilterArgument | null;
  readonly orderBy: CdrOrder;
  readonly first?: number | null;
  readonly after?: string | null;
  readonly last?: number | null;
  readonly before?: string | null;
}

/** What finding calls depends on: the principal, and a reader that is made when the first statement is executed. */
export interface CdrsDeps {
  readonly principal: Principal;
  reader(requirement?: {
    readonly readAfter?: readonly string[];
    readonly isHeavy?: boolean;
  }): Promise<Reader>;
  /** The freshness token of the standby that answers, for cursors. */
  token(): Promise<string>;
}

/** The arguments of a page, checked and decoded. */
export interface CdrPageRequest {
  readonly filter: CdrFilter;
  readonly order: CdrOrder;
  readonly size: number;
  /** True for `last`: the page is taken from the end of the list. */
  readonly fromEnd: boolean;
  readonly after: CdrKeyset | undefined;
  readonly before: CdrKeyset | undefined;
  /** The standby must have replayed what the cursors' pages were read from. */
  readonly readAfter: readonly string[];
}

/** A call in its list; `cursorOf` makes its cursor. */
export interface CdrEdge {
  readonly prefix: string;
  readonly node: CdrRow;
}

/** A call without a time or a key cannot be shown: in its place in the list is the error. */
export type Item<Value> = Value | UnreadableValueError;

type Items<Value> = ReturnType<typeof paced<Item<Value>>>;

/** A page of calls, each part obtained at its first use. */
export interface CdrConnection {
  nodes(): Promise<Items<CdrRow>>;
  edges(): Promise<Items<CdrEdge>>;
  /** The same, as they are read. */
  streamNodes(): AsyncIterable<Item<CdrRow>>;
  streamEdges(): AsyncIterable<Item<CdrEdge>>;
  hasNextPage(): Promise<boolean>;
  hasPreviousPage(): Promise<boolean>;
  startCursor(): Promise<string | null>;
  endCursor(): Promise<string | null>;
  totalCount(): Promise<string>;
  estimatedCount(): Promise<string>;
}

/** The call, or null when there is none that this principal may see. */
export async function findCdr(deps: CdrsDeps, id: string): Promise<CdrRow | null> {
  checkPermission(deps.principal, 'CALLS', 'Query.cdr');
  const key = parseId(id, 'id');
  const row = await selectCdr(await deps.reader(), key);
  if (row && !hasKey(row)) throw new UnreadableValueError();
  return row ?? null;
}

/** Holds the arguments to their meaning and ceiling. Throws the GatewayErrors that docs/errors.md lists for paging. */
export function parseCdrPage(args: CdrsArguments, principal: Principal): CdrPageRequest {
  checkPermission(principal, 'CALLS', 'Query.cdrs');
  const filter = parseFilter(args.filter, principal);
  const list = { filter, order: args.orderBy };
  const after = args.after == null ? undefined : decodeCursor(args.after, list);
  const before = args.before == null ? undefined : decodeCursor(args.before, list);
  return {
    filter,
    order: args.orderBy,
    size: parseSize(args, principal.maxPage),
    fromEnd: args.last != null,
    after: after?.keyset,
    before: before?.keyset,
    readAfter: [after, before].flatMap((cursor) => cursor?.token ?? []),
  };
}

/**
 * The page of calls that the arguments mean, with these columns, connect time and key among them. Nothing is read
 * before a part of it is needed.
 */
export async function findCdrs(
  deps: CdrsDeps,
  args: CdrsArguments,
  columns: readonly CdrColumnName[],
): Promise<CdrConnection> {
  return createConnection(deps, parseCdrPage(args, deps.principal), columns);
}

function parseSize({ first, last }: CdrsArguments, ceiling: number): number {
  if (first != null && last != null) throw new InvalidArgumentError('Give "first" or "last", not both.');
  const size = first ?? last ?? Math.min(DEFAULT_PAGE, ceiling);
  if (size < 0) throw new InvalidArgumentError(`"${first == null ? 'last' : 'first'}" must not be negative.`);
  if (size > ceiling) throw new PageTooLargeError(size, ceiling);
  return size;
}

/** Calls of a list that the executor walks, each with all its fields: longer lists are streamed. */
const MAX_WALKED = 10_000;
const WALKED =
  ' in a list that cannot be streamed: ask for one list, "nodes" or "edges", once, and accept application/json';

/** Calls read by one statement when a list is delivered bit by bit (`@stream`). */
const STREAMED_PART = 1000;

/** The calls of a page, and whether the list goes on beyond them in the direction of reading. */
interface Whole {
  readonly rows: readonly CdrRow[];
  readonly goesOn: boolean;
}

function createConnection(
  deps: CdrsDeps,
  request: CdrPageRequest,
  columns: readonly CdrColumnName[],
): CdrConnection {
  const { filter, order, size, fromEnd, after, before } = request;
  const { readAfter } = request;
  const reader = () => deps.reader({ readAfter });
  const prefix = once(async () => cursorPrefix({ filter, order }, await deps.token()));
  const whole = once(async () => {
    if (size > MAX_WALKED) throw new PageTooLargeError(size, MAX_WALKED, WALKED);
    return readWhole(await reader(), request, columns);
  });
  /** A list that is delivered bit by bit begins only after what stands beside it, which so reads the keys itself. */
  let isStreamed = false;
  const keys = once(async () => readWhole(await reader(), request, ['connect_time', 'i_xdr']));
  const ends = once(async (): Promise<CdrEnds> => {
    if (size > MAX_WALKED) return findEnds(await reader(), request);
    const { rows, goesOn } = await (isStreamed ? keys() : whole());
    const [first, last] = [rows[0], rows.at(-1)];
    return { first: first && keysetOf(first), last: last && keysetOf(last), goesOn };
  });
  const cursorAt = async (keyset: CdrKeyset | undefined) =>
    keyset ? encodeCursor(await prefix(), keyset) : null;

  return {
    nodes: async () => paced((await whole()).rows.map(itemOf)),
    async edges() {
      const [{ rows }, start] = [await whole(), await prefix()];
      return paced(rows.map((node) => (hasKey(node) ? { prefix: start, node } : new UnreadableValueError())));
    },
    async *streamNodes() {
      isStreamed = true;
      for await (const row of readInParts(await reader(), request, columns)) yield itemOf(row);
    },
    async *streamEdges() {
      for await (const node of this.streamNodes()) {
        yield node instanceof UnreadableValueError ? node : { prefix: await prefix(), node };
      }
    },
    hasNextPage: async () =>
      (!fromEnd && (await ends()).goesOn) ||
      (before !== undefined && liesBeyond(await reader(), 'next', request, await ends())),
    hasPreviousPage: async () =>
      (fromEnd && (await ends()).goesOn) ||
      (after !== undefined && liesBeyond(await reader(), 'previous', request, await ends())),
    startCursor: async () => cursorAt((await ends()).first),
    endCursor: async () => cursorAt((await ends()).last),
    totalCount: once(async () => countCdrs(await deps.reader({ readAfter, isHeavy: true }), filter)),
    estimatedCount: once(async () => estimateCdrs(await reader(), filter)),
  };
}

/** One row more than the page is read: it says whether the list goes on. */
async function readWhole(
  reader: Reader,
  { size, ...page }: CdrPageRequest,
  columns: readonly CdrColumnName[],
): Promise<Whole> {
  const read = await selectCdrPage(reader, { ...page, limit: size + 1 }, columns);
  const rows = read.slice(0, size);
  return { rows: page.fromEnd ? rows.reverse() : rows, goesOn: read.length > size };
}

/** The page's calls as they are read, in statements of a thousand. */
async function* readInParts(
  reader: Reader,
  request: CdrPageRequest,
  columns: readonly CdrColumnName[],
): AsyncGenerator<CdrRow> {
  const { size, fromEnd, ...page } = request;
  if (fromEnd && size <= MAX_WALKED) {
    yield* (await readWhole(reader, request, columns)).rows;
    return;
  }
  // A long list is read forwards from where its end begins.
  const beyond = fromEnd ? await selectKeyBeyond(reader, { ...page, limit: size }) : undefined;
  let after = beyond ?? page.after;
  for (let left = size; left > 0; ) {
    const limit = Math.min(left, STREAMED_PART);
    const part = await selectCdrPage(reader, { ...page, after, limit }, columns);
    yield* part;
    if (part.length < limit) return;
    left -= limit;
    after = keysetOf(part.at(-1)!);
  }
}

/** The place of the call in its list, as text. */
export function cursorOf({ prefix, node }: CdrEdge): string {
  return encodeCursor(prefix, keysetOf(node));
}

/** Without either it cannot be shown. */
function hasKey({ connect_time, i_xdr }: CdrRow): boolean {
  return connect_time !== null && i_xdr !== null;
}

/** The call as an item of a list. */
export function itemOf(row: CdrRow): Item<CdrRow> {
  return hasKey(row) ? row : new UnreadableValueError();
}

/** The same promise for every caller. */
function once<T>(produce: () => Promise<T>): () => Promise<T> {
  let promise: Promise<T> | undefined;
  return () => {
    promise ??= produce();
    return promise;
  };
}
