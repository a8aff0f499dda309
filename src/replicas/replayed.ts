import { endOfRecordBefore, parseLsn, type WalSizes } from './lsn.ts';

/** How far a standby had replayed when a statement looked. */
export interface Replayed {
  readonly lsn: bigint;
  /** Undefined where the statement could not see it. */
  readonly timeline: number | undefined;
}

/** Eight hexadecimal digits of the timeline, sixteen of the place. */
const WAL_FILE_NAME_LENGTH = 24;

/** As `replayedPosition` selects it: `0/3029AC8`, then `@2` or `@000000020000000000000003` where that can be seen. */
export function parseReplayed(text: string, walSizes: WalSizes): Replayed {
  const [place, timeline] = text.split('@') as [string, string | undefined];
  const lsn = parseLsn(place);
  if (timeline?.length === WAL_FILE_NAME_LENGTH) {
    return { lsn: endOfRecordBefore(lsn, walSizes), timeline: Number.parseInt(timeline.slice(0, 8), 16) };
  }
  return { lsn, timeline: timeline === undefined ? undefined : Number(timeline) };
}
