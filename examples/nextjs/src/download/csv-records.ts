const QUOTE = 0x22;
const NEWLINE = 0x0a;

/** How the gateway's CSV says, in its last line, that it does not hold everything: `# INCOMPLETE code=… rows=… …`. */
const NOTICE = /^# INCOMPLETE ((?:\w+=\S* ?)+)\r?\n$/;

/** Calls and values that are stored in a way that no file can hold. */
export interface Unreadable {
  readonly calls: number;
  readonly values: number;
}

/** What a file ended with. */
export interface CsvEnd {
  /** What is still to be written. */
  readonly bytes: Uint8Array;
  /** Set when the list broke off; null as cursor means that it cannot be continued. */
  readonly brokenOff: { readonly code: string; readonly resumeAfter: string | null } | undefined;
  readonly unreadable: Unreadable;
  /** True when the last line has no end: the connection was cut. */
  readonly isCut: boolean;
}

/**
 * Reads CSV as it comes, counts its calls, and keeps the last record back until another one follows: the gateway's
 * notice about what is missing never gets into the file.
 */
export class CsvRecords {
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

  end(): CsvEnd {
    const isCut = this.#held.length > this.#unfinished;
    const notice = NOTICE.exec(new TextDecoder().decode(this.#held));
    if (!notice)
      return { bytes: this.#held, brokenOff: undefined, unreadable: { calls: 0, values: 0 }, isCut };
    this.#records -= 1;
    const facts = Object.fromEntries(notice[1]!.split(' ').map((fact) => splitOnce(fact, '=')));
    const { code = '', resumeAfter = '', unreadableCalls, unreadableValues } = facts;
    return {
      bytes: new Uint8Array(),
      brokenOff: code === 'UNREADABLE_VALUE' ? undefined : { code, resumeAfter: resumeAfter || null },
      unreadable: { calls: Number(unreadableCalls), values: Number(unreadableValues) },
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

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
