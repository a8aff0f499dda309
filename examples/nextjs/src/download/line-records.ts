import {
  brokenOffBy,
  type FileFormat,
  type FileRecords,
  joined,
  type RecordsEnd,
  type Unreadable,
  WHOLE,
} from './file-records.ts';

const NEWLINE = 0x0a;

/** How the gateway's NDJSON says, in its last line, that it does not hold everything. */
interface LineNotice {
  readonly error: {
    readonly code: string;
    readonly resumeAfter: string | null;
    readonly unreadableCalls: number;
    readonly unreadableValues: number;
  };
}

const NOTICE_START = '{"error":';

/** NDJSON as it comes. A line is a call, or a group of calls. */
export class LineRecords implements FileRecords {
  /** The last whole line, and what came after it. */
  #held: Uint8Array = new Uint8Array();
  /** Where in `#held` the unfinished line begins. */
  #unfinished = 0;
  #lines = 0;

  get rows(): number {
    return this.#lines;
  }

  take(chunk: Uint8Array): Uint8Array {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) this.#lines += 1;
    const bytes = joined(this.#held, chunk);
    const last = bytes.lastIndexOf(NEWLINE);
    const start = last > 0 ? bytes.lastIndexOf(NEWLINE, last - 1) + 1 : 0;
    this.#held = bytes.slice(start);
    this.#unfinished = last + 1 - start;
    return bytes.subarray(0, start);
  }

  end(): RecordsEnd {
    const isCut = this.#held.length > this.#unfinished;
    const line = new TextDecoder().decode(this.#held.subarray(0, this.#unfinished));
    if (!line.startsWith(NOTICE_START)) {
      return { bytes: this.#held, brokenOff: undefined, unreadable: WHOLE, isCut };
    }
    this.#lines -= 1;
    const { code, resumeAfter, unreadableCalls, unreadableValues } = (JSON.parse(line) as LineNotice).error;
    const unreadable = { calls: unreadableCalls, values: unreadableValues };
    return {
      bytes: new Uint8Array(),
      brokenOff: brokenOffBy({ code, resumeAfter, unreadable }),
      unreadable,
      isCut,
    };
  }
}

/** What a line of a file says that is not whole; undefined when it is a record. */
export function noticeIn(line: string): Unreadable | undefined {
  if (!line.startsWith(NOTICE_START)) return undefined;
  const { unreadableCalls, unreadableValues } = (JSON.parse(line) as LineNotice).error;
  return { calls: unreadableCalls, values: unreadableValues };
}

export const lineFormat: FileFormat = {
  accept: 'application/x-ndjson',
  read: () => new LineRecords(),
  notice: (rows, { calls, values }) =>
    `${JSON.stringify({
      error: {
        code: 'UNREADABLE_VALUE',
        rows,
        unreadableCalls: calls,
        unreadableValues: values,
        resumeAfter: null,
      },
    })}\n`,
};
