import { type AnswerError, readError, toError } from './answer.ts';
import { Deadline } from './deadline.ts';
import { GatewayError, GatewayUnreachableError } from './gateway-error.ts';
import { retryableCodes } from './generated/retryable-codes.ts';
import { waitForRetry } from './retry.ts';
import type { StreamReplica, StreamSource, Unreadable } from './stream-source.ts';

const NEWLINE = 0x0a;
/** What no call can begin with: the last line of a list that does not hold everything. */
const NOTICE = new TextEncoder().encode('{"error":');
/** So many calls are one request, unless the principal may have fewer. */
const MAX_PAGE = 1_000_000;

/** The facts of the last line: docs/files.md of the gateway. */
interface Gap {
  readonly code: string;
  readonly message: string;
  readonly unreadableCalls: number;
  readonly unreadableValues: number;
  readonly resumeAfter: string | null;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Reads a list as lines, request after request, each call once. */
export class LineReader {
  readonly #source: StreamSource;
  readonly #decoder = new TextDecoder();
  readonly #wanted: number;
  /** Calls of the list that are behind us, those that cannot be shown included. */
  #passed = 0;
  #pageSize = MAX_PAGE;
  /** Of the first call there was. */
  #begin: string | undefined;
  cursor: string | null;
  resumptions = 0;
  replica: StreamReplica | null = null;
  unreadable: Unreadable = { calls: 0, values: 0 };

  constructor(source: StreamSource) {
    this.#source = source;
    this.#wanted = source.first ?? Number.POSITIVE_INFINITY;
    this.cursor = source.after;
  }

  /** Whole lines as they come, without the gateway's last line about what is missing. */
  async *read(): AsyncGenerator<Bytes, void, undefined> {
    let failures = 0;
    while (this.#passed < this.#wanted) {
      const size = Math.min(this.#pageSize, this.#wanted - this.#passed);
      const before = this.#passed;
      try {
        yield* this.#readPage(size);
        if (this.#passed - before < size) return;
        failures = 0;
      } catch (error) {
        const hasProgress = this.#passed > before;
        if (this.#fitsPage(error, size)) continue;
        failures = hasProgress ? 1 : failures + 1;
        await waitForRetry(error, failures, { ...this.#source, hasProgress });
        this.resumptions += 1;
      }
    }
  }

  /** Throws where the response breaks off, its connection or its list. */
  async *#readPage(first: number): AsyncGenerator<Bytes, void, undefined> {
    const deadline = new Deadline(this.#source.timeoutSeconds, this.#source.signal);
    let reader: ReadableStreamDefaultReader<Bytes> | undefined;
    try {
      const response = await this.#source.open({ first, after: this.cursor }, deadline);
      if (!response.ok || !response.body) throw await deadline.wait(readError(response));
      this.replica = replicaOf(response.headers);
      reader = response.body.getReader();
      let held: Bytes = new Uint8Array();
      let isFirst = true;
      for (;;) {
        const { done, value } = await deadline.wait(reader.read());
        if (done) break;
        const end = value.lastIndexOf(NEWLINE) + 1;
        if (end === 0) {
          held = joined(held, value);
          continue;
        }
        const lines = joined(held, value.subarray(0, end));
        held = value.slice(end);
        const last = lines.lastIndexOf(NEWLINE, -2) + 1;
        const hasNotice = NOTICE.every((byte, index) => lines[last + index] === byte);
        const calls = hasNotice ? lines.subarray(0, last) : lines;
        if (calls.length > 0) {
          if (isFirst) this.#checkBegin(calls);
          isFirst = false;
          this.#pass(calls);
          yield calls;
        }
        if (hasNotice) return this.#endWith(this.#parse<{ error: Gap }>(lines.subarray(last)).error);
      }
      if (held.length > 0) throw new GatewayUnreachableError('The list broke off within a line.');
    } finally {
      deadline.close();
      // The gateway then ends its statement. Of a connection that broke there is nothing to be told.
      reader?.cancel().catch(() => {});
    }
  }

  /** Throws where a request that was to go on has begun again: a document without `$after` would for ever. */
  #checkBegin(lines: Bytes): void {
    const cursor = this.#cursorOf(lines.subarray(0, lines.indexOf(NEWLINE)));
    if (cursor === this.#begin)
      throw new TypeError('The document must hand its variable $after to the list.');
    this.#begin ??= cursor;
  }

  /** Counts the lines, and remembers where the list goes on behind them. */
  #pass(lines: Bytes): void {
    for (let at = lines.indexOf(NEWLINE); at >= 0; at = lines.indexOf(NEWLINE, at + 1)) this.#passed += 1;
    this.cursor = this.#cursorOf(lines.subarray(lines.lastIndexOf(NEWLINE, -2) + 1));
  }

  #cursorOf(line: Bytes): string {
    const cursor = this.#parse<{ cursor?: unknown } | null>(line)?.cursor;
    if (typeof cursor === 'string') return cursor;
    throw new TypeError('The document must select "edges { cursor node { … } }", each under its own name.');
  }

  /** Throws unless the list came to its end. */
  #endWith({ code, message, unreadableCalls, unreadableValues, resumeAfter }: Gap): void {
    const { calls, values } = this.unreadable;
    this.unreadable = { calls: calls + unreadableCalls, values: values + unreadableValues };
    this.#passed += unreadableCalls;
    const retryable = retryableCodes.has(code);
    const lacksNamesAlone = resumeAfter === null && unreadableValues > 0 && !retryable;
    if (code === 'UNREADABLE_VALUE' || lacksNamesAlone) return;
    this.cursor = resumeAfter ?? this.cursor;
    throw toError({
      message,
      extensions: { code, retryable, resumeAfter: this.cursor },
    } satisfies AnswerError);
  }

  /** Whether the principal may have fewer calls at once, which is then all that is requested. */
  #fitsPage(error: unknown, size: number): boolean {
    if (!(error instanceof GatewayError) || error.code !== 'PAGE_TOO_LARGE') return false;
    const { ceiling } = error.details;
    if (typeof ceiling !== 'number' || ceiling < 1 || ceiling >= size) return false;
    this.#pageSize = ceiling;
    return true;
  }

  #parse<T>(line: Bytes): T {
    return JSON.parse(this.#decoder.decode(line)) as T;
  }
}

function replicaOf(headers: Headers): StreamReplica | null {
  const name = headers.get('x-replica');
  return name === null
    ? null
    : { name, asOf: headers.get('x-data-as-of'), token: headers.get('x-read-token') };
}

function joined(one: Bytes, other: Bytes): Bytes {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
