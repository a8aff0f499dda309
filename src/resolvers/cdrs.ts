import type { Principal } from '../access/principals.ts';
import type { CdrFilter } from '../db/cdr-filter.ts';
import {
  type CdrKeyset,
  type CdrOrder,
  type CdrPage,
  type CdrRow,
  countCdrs,
  estimateCdrs,
  selectCdr,
  selectCdrPage,
} from '../db/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import { orderedMicrosOfPostgres } from '../db/timestamps.ts';
import { InvalidArgumentError, PageTooLargeError } from '../errors.ts';
import { type CdrFilterArgument, parseFilter, parseId } from './cdr-filter.ts';
import { cursorPrefix, decodeCursor, encodeCursor } from './cursor.ts';

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

/** What finding calls needs: who asks, and a door that is not opened before it is needed. */
export interface CdrsNeeds {
  readonly principal: Principal;
  reader(requirement?: { readAfter?: string | undefined }): Promise<Reader>;
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
  readonly readAfter: string | undefined;
}

/** A call in its list; `cursorOf` makes its cursor. */
export interface CdrEdge {
  readonly prefix: string;
  readonly node: CdrRow;
}

/** A page of calls, each part obtained when first asked for. */
export interface CdrConnection {
  nodes(): Promise<CdrRow[]>;
  edges(): Promise<CdrEdge[]>;
  hasNextPage(): Promise<boolean>;
  hasPreviousPage(): Promise<boolean>;
  startCursor(): Promise<string | null>;
  endCursor(): Promise<string | null>;
  totalCount(): Promise<string>;
  estimatedCount(): Promise<string>;
}

/** The call, or null when there is none that this principal may see. */
export async function findCdr(needs: CdrsNeeds, id: string): Promise<CdrRow | null> {
  const key = parseId(id, 'id');
  return (await selectCdr(await needs.reader(), key)) ?? null;
}

/** Holds the arguments to their meaning and ceiling. Throws the GatewayErrors that docs/errors.md lists for paging. */
export function parseCdrPage(args: CdrsArguments, principal: Principal): CdrPageRequest {
  const filter = parseFilter(args.filter);
  const scope = { filter, order: args.orderBy };
  const after = args.after == null ? undefined : decodeCursor(args.after, scope);
  const before = args.before == null ? undefined : decodeCursor(args.before, scope);
  return {
    filter,
    order: args.orderBy,
    size: parseSize(args, principal.maxPage),
    fromEnd: args.last != null,
    after: after?.keyset,
    before: before?.keyset,
    readAfter: (after ?? before)?.token,
  };
}

/** The page of calls that the arguments mean. Nothing is read before a part of it is asked for. */
export async function findCdrs(needs: CdrsNeeds, args: CdrsArguments): Promise<CdrConnection> {
  return createConnection(needs, parseCdrPage(args, needs.principal));
}

function parseSize({ first, last }: CdrsArguments, ceiling: number): number {
  if (first != null && last != null) throw new InvalidArgumentError('Give "first" or "last", not both.');
  const size = first ?? last ?? Math.min(DEFAULT_PAGE, ceiling);
  if (size < 0) throw new InvalidArgumentError(`"${first == null ? 'last' : 'first'}" must not be negative.`);
  if (size > ceiling) throw new PageTooLargeError(size, ceiling);
  return size;
}

/** One row more than the page is read: it says whether the list goes on. */
function createConnection(needs: CdrsNeeds, request: CdrPageRequest): CdrConnection {
  const { filter, order, size, fromEnd, after, before } = request;
  const reader = () => needs.reader({ readAfter: request.readAfter });
  const page: CdrPage = { filter, order, after, before, limit: size + 1, fromEnd };
  const read = once(async () => selectCdrPage(await reader(), page));
  const nodes = once(async () => {
    const rows = (await read()).slice(0, size);
    return fromEnd ? rows.reverse() : rows;
  });
  const prefix = once(async () => cursorPrefix({ filter, order }, await needs.token()));
  const goesOn = async () => (await read()).length > size;

  return {
    nodes,
    async edges() {
      const [rows, start] = [await nodes(), await prefix()];
      return rows.map((node) => ({ prefix: start, node }));
    },
    // The call of a cursor lies in the list itself, so beyond it there is at least that one.
    hasNextPage: async () => before !== undefined || (!fromEnd && (await goesOn())),
    hasPreviousPage: async () => after !== undefined || (fromEnd && (await goesOn())),
    async startCursor() {
      const [row] = await nodes();
      return row ? cursorOf({ prefix: await prefix(), node: row }) : null;
    },
    async endCursor() {
      const row = (await nodes()).at(-1);
      return row ? cursorOf({ prefix: await prefix(), node: row }) : null;
    },
    totalCount: once(async () => countCdrs(await reader(), filter)),
    estimatedCount: once(async () => estimateCdrs(await reader(), filter)),
  };
}

/** The place of the call in its list, as text. */
export function cursorOf({ prefix, node }: CdrEdge): string {
  return encodeCursor(prefix, keysetOf(node));
}

function keysetOf(row: CdrRow): CdrKeyset {
  return { micros: orderedMicrosOfPostgres(row.connect_time!), id: BigInt(row.i_xdr!) };
}

/** The same promise for every caller. */
function once<T>(produce: () => Promise<T>): () => Promise<T> {
  let promise: Promise<T> | undefined;
  return () => {
    promise ??= produce();
    return promise;
  };
}
