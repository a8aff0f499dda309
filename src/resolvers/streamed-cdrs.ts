import type { Principal } from '../access/principals.ts';
import { estimateCdrs } from '../db/calls/cdr-estimate.ts';
import { countCdrs } from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import { ReplicaFailureError } from '../errors.ts';
import type { OpenList } from '../streaming/open-list.ts';
import { liesBeyond } from './cdr-ends.ts';
import { type CdrsArguments, parseCdrPage } from './cdrs.ts';
import { cursorPrefix, encodeCursor, type ListIdentity } from './cursor.ts';
import { createRelatedFinder, type RelatedFinderDeps } from './related.ts';

export interface StreamedCdrsDeps extends RelatedFinderDeps {
  readonly principal: Principal;
  reader(requirement?: {
    readonly readAfter?: readonly string[];
    readonly purpose?: 'page' | 'stream';
    readonly isNested?: boolean;
    readonly isHeavy?: boolean;
  }): Promise<Reader>;
  replaceReader(failed: Reader, error: unknown, had?: { readonly hasRows?: boolean }): Promise<Reader>;
  /** The freshness token of what is read, when the standby has replayed so far. */
  tokenAt(replayedLsn: string): string;
  /** The same, after a statement to the standby where it is not known yet how far it has replayed. */
  token(): Promise<string>;
}

/** Lists from here on take seconds, and should not run into a standby that is about to cancel them. */
const LONG_LIST = 10_000;

/** What the arguments of a `cdrs` field mean to the streaming path: the same as to the ordinary one. */
export async function openCdrs(deps: StreamedCdrsDeps, args: CdrsArguments): Promise<OpenList> {
  const { filter, order, size, fromEnd, after, before, readAfter } = parseCdrPage(args, deps.principal);
  const reader = await deps.reader({ readAfter, purpose: size > LONG_LIST ? 'stream' : 'page' });
  const identity = { filter, order };
  const prefixOf = createPrefixes(identity);
  return {
    reader,
    page: { ...identity, after, before, fromEnd },
    size,
    cursorPrefixAt: (replayedLsn) => prefixOf(deps.tokenAt(replayedLsn)),
    cursorOf: async (keyset) => encodeCursor(prefixOf(await deps.token()), keyset),
    replace: (failed, error, had) => deps.replaceReader(failed, error, had),
    relatedFinder: createRelatedFinder(deps, { source: reader.source, scope: reader.scope, size, filter }),
    liesBeyond: (side, ends) => retrying((on) => liesBeyond(on, side, { ...identity, after, before }, ends)),
    count: (kind) =>
      kind === 'totalCount'
        ? retrying((on) => countCdrs(on, filter), { isHeavy: true })
        : retrying((on) => estimateCdrs(on, filter)),
  };

  /** Once more where the standby fails: the list beside it goes on elsewhere too. */
  async function retrying<Value>(
    read: (on: Reader) => Promise<Value>,
    { isHeavy = false } = {},
  ): Promise<Value> {
    const first = isHeavy ? await deps.reader({ isHeavy }) : reader;
    try {
      return await read(first);
    } catch (error) {
      if (!(error instanceof ReplicaFailureError)) throw error;
      return read(await deps.replaceReader(first, error));
    }
  }
}

/** The cursors of a page begin alike, and so do those at its ends. */
function createPrefixes(list: ListIdentity): (token: string) => string {
  let [lastToken, prefix] = ['', ''];
  return (token) => {
    if (token !== lastToken) {
      prefix = cursorPrefix(list, token);
      lastToken = token;
    }
    return prefix;
  };
}
