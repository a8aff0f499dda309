import type { Principal } from '../access/principals.ts';
import { countCdrs, estimateCdrs } from '../db/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import type { OpenList } from '../streaming/json-connection.ts';
import { type CdrsArguments, parseCdrPage } from './cdrs.ts';
import { cursorPrefix, encodeCursor } from './cursor.ts';

export interface StreamedCdrsNeeds {
  readonly principal: Principal;
  reader(requirement?: { readonly readAfter?: string | undefined }): Promise<Reader>;
  replaceReader(failed: Reader, error: unknown): Promise<Reader>;
  token(): Promise<string>;
}

/** What the arguments of a `cdrs` field mean to the streaming path: the same as to the ordinary one. */
export async function openCdrs(needs: StreamedCdrsNeeds, args: CdrsArguments): Promise<OpenList> {
  const { filter, order, size, fromEnd, after, before, readAfter } = parseCdrPage(args, needs.principal);
  const reader = await needs.reader({ readAfter });
  const prefix = cursorPrefix({ filter, order }, await needs.token());
  return {
    reader,
    page: { filter, order, after, before, fromEnd },
    size,
    cursorPrefix: prefix,
    cursorOf: (keyset) => encodeCursor(prefix, keyset),
    replace: (failed, error) => needs.replaceReader(failed, error),
    count: (kind) => (kind === 'totalCount' ? countCdrs(reader, filter) : estimateCdrs(reader, filter)),
  };
}
