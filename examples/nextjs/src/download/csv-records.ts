import {
  brokenOffBy,
  type FileFormat,
  type FileRecords,
  joined,
  type RecordsEnd,
  type Unreadable,
  WHOLE,
} from './file-records.ts';

const QUOTE = 0x22;
const NEWLINE = 0x0a;

/** How the gateway's CSV says, in its last line, that it does not hold everything: `# INCOMPLETE code=… rows=… …`. */
const NOTICE = /^# INCOMPLETE ((?:\w+=\S* ?)+)\r?\n$/;

/**
 * Reads CSV as it comes, counts its calls, and keeps the last record back until another one follows: the gateway's
 * notice about what is missing never gets into the file.
 */
export class CsvRecords implements FileRecords {
  readonly #skipsHeader: boolean;
  /** The last whole record, and what came after it. */
  #held: Uint8Array = new Uint8Array();
  /** Where in `#held` the unfinished record begins. */
  #unfinished = 0;
  #isQuoted = false;
  #records = 0;

  /** A part that continues a file has a header that does not belong there. */
  constructor({ skipsHeader }: { readonly skipsHeader: boolean }) {
    this.#skipsHeader = skipsHeader;
  }

  /** Calls so far; the record held back is one of them. */
  get rows(): number {
    return Math.max(0, this.#records - 1);
  }

  /** Returns what can be written already. */
  take(chunk: Uint8Array): Uint8Array {
    const bytes = joined(this.#held, chunk);
    let begin = 0;
    let lastStart = 0;
    let end = this.#unfinished;
    for (let at = this.#held.length; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) this.#isQuoted = !this.#isQuoted;
      if (byte !== NEWLINE || this.#isQuoted) continue;
      this.#records += 1;
      lastStart = end;
      end = at + 1;
      if (this.#records === 1 && this.#skipsHeader) begin = lastStart = end;
    }
    this.#held = bytes.slice(lastStart);
    this.#unfinished = end - lastStart;
    return bytes.subarray(begin, lastStart);
  }

  end(): RecordsEnd {
    const isCut = this.#held.length > this.#unfinished;
    const notice = NOTICE.exec(new TextDecoder().decode(this.#held));
    if (!notice) return { bytes: this.#held, brokenOff: undefined, unreadable: WHOLE, isCut };
    this.#records -= 1;
    const facts = Object.fromEntries(notice[1]!.split(' ').map((fact) => splitOnce(fact, '=')));
    const { code = '', resumeAfter = '', unreadableCalls, unreadableValues } = facts;
    const unreadable = { calls: Number(unreadableCalls), values: Number(unreadableValues) };
    return {
      bytes: new Uint8Array(),
      brokenOff: brokenOffBy({ code, resumeAfter: resumeAfter || null, unreadable }),
      unreadable,
      isCut,
    };
  }
}

/** The same line, of a whole file that was put together from parts. */
export function noticeOf(rows: number, { calls, values }: Unreadable): string {
  return `# INCOMPLETE code=UNREADABLE_VALUE rows=${rows} unreadableCalls=${calls} unreadableValues=${values} resumeAfter=\r\n`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

export const csvFormat: FileFormat = {
  accept: 'text/csv',
  read: ({ isContinued }) => new CsvRecords({ skipsHeader: isContinued }),
  notice: noticeOf,
};
