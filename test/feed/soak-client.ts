import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommittedCall, SoakWriters } from './soak-writers.ts';

export interface SoakClientOptions {
  readonly name: string;
  readonly token: string;
  readonly filter?: object;
  /** Which calls it is to be told. */
  readonly expects: (call: CommittedCall) => boolean;
  /** Where to connect now. */
  readonly url: () => string;
  /** It reads nothing for so long, every now and then. */
  readonly stallMillis?: number;
}

/** In milliseconds of the process. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

const QUERY = `subscription ($filter: CdrFilter) {
  cdrs(filter: $filter) {
    mayRepeat asOf inserted { id accountId cld } corrected { id accountId cld } deletedIds gap { reason }
  }
}`;
const READ_MILLIS = 3000;

/** A client that connects again, with the id of its last event, whenever its response ends. */
export class SoakClient {
  readonly name: string;
  /** How often each call was told, but for messages that say they may repeat. */
  readonly told = new Map<string, number>();
  /** When each call was told first, in milliseconds of the process. */
  readonly toldAt = new Map<string, number>();
  /** Calls of messages that said so. */
  readonly repeated = new Set<string>();
  /** What it believes of each call; null: gone. */
  readonly state = new Map<string, CommittedCall | null>();
  /** When it was told that something cannot be told, in milliseconds of the process. */
  readonly gapsAt: number[] = [];
  corrected = 0;
  readonly foreign: string[] = [];
  readonly gaps: string[] = [];
  readonly refused: string[] = [];
  connections = 0;
  longestQuietMillis = 0;
  readonly #options: SoakClientOptions;
  #lastId: string | undefined;
  #isStopped = false;
  #response: IncomingMessage | undefined;
  #running: Promise<void> | undefined;
  #lastAt = 0;

  constructor(options: SoakClientOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Resolves when it has had a first message. */
  async start(): Promise<void> {
    this.#running = this.#run();
    while (this.#lastId === undefined) await delay(10);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#response?.destroy();
    await this.#running;
  }

  has(id: string): boolean {
    return this.told.has(id) || this.repeated.has(id);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#connect().catch(() => {});
      if (!this.#isStopped) await delay(50);
    }
  }

  async #connect(): Promise<void> {
    const { token, filter, url, stallMillis } = this.#options;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url(), {
        method: 'POST',
        agent: false,
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${token}`,
          ...(this.#lastId && { 'last-event-id': this.#lastId }),
        },
      })
        .once('response', resolve)
        .once('error', reject)
        .end(JSON.stringify({ query: QUERY, variables: { filter } }));
    });
    this.connections++;
    this.#response = response;
    this.#lastAt = performance.now();
    let text = '';
    let stalledAt = performance.now();
    response.setEncoding('utf8');
    for await (const chunk of response) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) this.#note(block);
      if (!stallMillis || performance.now() - stalledAt < READ_MILLIS) continue;
      await delay(stallMillis);
      stalledAt = performance.now();
      this.#lastAt = stalledAt;
    }
  }

  #note(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s) as [string, string]));
    if (fields.get('event') !== 'next') return;
    const now = performance.now();
    this.longestQuietMillis = Math.max(this.longestQuietMillis, now - this.#lastAt);
    this.#lastAt = now;
    const { data, errors } = JSON.parse(fields.get('data')!);
    if (!data) {
      this.refused.push(errors[0].extensions.code);
      return;
    }
    const { mayRepeat, inserted, corrected, deletedIds, gap } = data.cdrs;
    if (gap) {
      this.gaps.push(gap.reason);
      this.gapsAt.push(now);
    }
    this.corrected += corrected.length + deletedIds.length;
    for (const id of deletedIds) this.state.set(id, null);
    for (const { id, accountId, cld } of [...inserted, ...corrected]) {
      this.state.set(id, { id, account: accountId, cld });
      if (!this.#options.expects({ id, account: accountId, cld })) this.foreign.push(id);
    }
    for (const { id } of inserted) {
      if (!this.toldAt.has(id)) this.toldAt.set(id, now);
      if (mayRepeat) this.repeated.add(id);
      else this.told.set(id, (this.told.get(id) ?? 0) + 1);
    }
    this.#lastId = fields.get('id');
  }

  /** From commits within a time to when it was told of them, in milliseconds, in order. A commit that was told before it was answered took none. */
  lags({ committedAt }: Pick<SoakWriters, 'committedAt'>, { from, to }: TimeSpan): readonly number[] {
    const lags: number[] = [];
    for (const [id, at] of committedAt) {
      const toldAt = this.toldAt.get(id);
      if (toldAt !== undefined && at >= from && at < to) lags.push(Math.max(0, toldAt - at));
    }
    return lags.sort((one, other) => one - other);
  }

  /**
   * What it was not told, what it was told twice without being warned, and of which calls it believes what is true no more, unless
   * it was told soon after that something cannot be told.
   */
  judge(committed: readonly CommittedCall[], changed: SoakWriters['changed'] = new Map()) {
    const expected = new Map(committed.filter(this.#options.expects).map((call) => [call.id, call]));
    const isExcused = (id: string) => {
      const at = changed.get(id);
      return (
        at !== undefined && this.gapsAt.some((gapAt) => gapAt > at.from && gapAt < at.to + EXCUSED_MILLIS)
      );
    };
    const missed: string[] = [];
    const stale: string[] = [];
    const excused = new Set<string>();
    const wrong = (list: string[], id: string) => {
      if (isExcused(id)) excused.add(id);
      else list.push(id);
    };
    for (const [id, call] of expected) {
      const believed = this.state.get(id);
      if (believed === undefined) wrong(missed, id);
      else if (changed.has(id) && (believed?.cld !== call.cld || believed.account !== call.account))
        wrong(stale, id);
    }
    for (const [id] of changed) if (this.state.get(id) && !expected.has(id)) wrong(stale, id);
    return {
      expected: expected.size,
      missed,
      stale,
      excused: excused.size,
      duplicates: [...this.told].filter(([, count]) => count > 1).map(([id]) => id),
    };
  }
}

/** A gap is told when somebody comes back, which takes as long as the longest fault. */
const EXCUSED_MILLIS = 30_000;
