import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import type { GraphQLAnswer } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { expectedRows } from './expected-rows.ts';
import { Random } from './random.ts';
import { documentOf, fileDocumentOf, type RandomList, randomList, statistics } from './random-request.ts';
import { FOREIGN, type RandomTable, randomAlter, randomTable } from './random-table.ts';

const ACCOUNT_TOKEN = 'account-token-of-the-fuzzer';
const ROWS = 40;
/** What a client may be told while tables change; never INTERNAL. */
const EXPLAINED = /^(UNREADABLE_VALUE|NO_REPLICA_AVAILABLE|REPLICA_\w+|QUERY_TIMEOUT|OVERLOADED)$/;

export interface RoundReport {
  readonly requests: number;
  /** The longest that /livez took, in milliseconds. */
  readonly slowestLivez: number;
}

/** One table, its reader, and what happens to both. Throws at the first thing that is not as it must be. */
export async function fuzzRound(seed: number): Promise<RoundReport> {
  const random = new Random(seed);
  const encoding = random.pick(['UTF8', 'UTF8', 'LATIN1', 'WIN1252', 'SQL_ASCII']);
  await using database = await createTestDatabase({ empty: true, ...(encoding !== 'UTF8' && { encoding }) });
  const table = randomTable(random, ROWS);
  await database.pool.query(table.sql);
  await database.replayed();
  await using gateway = await serveGateway(database, {
    ACCOUNT_TOKEN,
    DB_MAX_CONNECTIONS: String(1 + random.below(3)),
  });
  await using round = new Round(random, database, gateway, table);
  await round.compareRows();
  for (let check = 0; check < 6; check++) await round.checkList();
  await round.checkStatistics();
  await round.alterMeanwhile();
  return round.report();
}

class Round implements AsyncDisposable {
  readonly #random: Random;
  readonly #database: TestDatabase;
  readonly #gateway: ServedGateway;
  readonly #table: RandomTable;
  readonly #stop = new AbortController();
  readonly #probing: Promise<void>;
  #requests = 0;
  #slowestLivez = 0;

  constructor(random: Random, database: TestDatabase, gateway: ServedGateway, table: RandomTable) {
    this.#random = random;
    this.#database = database;
    this.#gateway = gateway;
    this.#table = table;
    this.#probing = this.#probe();
  }

  report(): RoundReport {
    return { requests: this.#requests, slowestLivez: this.#slowestLivez };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#probing;
  }

  async #probe(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const since = performance.now();
      await (await fetch(new URL('/livez', this.#gateway.url))).arrayBuffer();
      this.#slowestLivez = Math.max(this.#slowestLivez, performance.now() - since);
      await delay(20);
    }
  }

  /** The text of an answer; nothing in it is anybody else's. */
  async #text(document: string, variables: object, isTenant: boolean, accept?: string): Promise<string> {
    this.#requests++;
    const headers = {
      ...(isTenant && { authorization: `Bearer ${ACCOUNT_TOKEN}` }),
      ...(accept && { accept }),
    };
    const text = await (await this.#gateway.ask(document, variables, { headers })).text();
    if (isTenant) expect(text).not.toContain(FOREIGN);
    expect(text).not.toContain('POISON');
    return text;
  }

  async #ask(document: string, variables: object, isTenant: boolean, path: string): Promise<GraphQLAnswer> {
    const accept = path === 'ordinary' ? 'multipart/mixed' : undefined;
    const text = await this.#text(document, variables, isTenant, accept);
    const answer = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as GraphQLAnswer;
    for (const { extensions, message } of answer.errors ?? []) {
      if (!EXPLAINED.test(extensions.code)) throw new Error(`${extensions.code}: ${message} for ${document}`);
    }
    return answer;
  }

  /** Every value is the stored one, or named as unreadable. */
  async compareRows(): Promise<void> {
    const { fields, rows } = await expectedRows(this.#database, this.#table);
    const document = `{ cdrs(first: 500) { nodes { id ${fields.join(' ')} } } }`;
    for (const path of ['streamed', 'ordinary']) {
      const { data, errors = [] } = await this.#ask(document, {}, false, path);
      const nodes: (Record<string, unknown> | null)[] = data.cdrs.nodes;
      expect(nodes).toHaveLength(rows.length);
      const unreadable = new Set(errors.map(({ path: place }) => place!.slice(2).join('.')));
      let named = 0;
      for (const [index, row] of rows.entries()) {
        const node = nodes[index];
        if (row === null) expect([node, unreadable.has(String(index))]).toEqual([null, true]);
        named += row === null ? 1 : 0;
        for (const [field, value] of Object.entries(row ?? {})) {
          const isUnreadable = value === undefined;
          const shown = [index, field, node?.[field] ?? null, unreadable.has(`${index}.${field}`)];
          expect(shown).toEqual([index, field, value ?? null, isUnreadable]);
          if (isUnreadable) named++;
        }
      }
      expect(unreadable.size).toBe(Math.min(named, 100));
    }
  }

  /** One list in every way: by pages in both directions on both paths, and as files. */
  async checkList(): Promise<void> {
    const list = randomList(this.#random);
    const isTenant = this.#random.chance(0.5);
    const size = 1 + this.#random.below(17);
    const whole = await this.#walk(list, 500, false, isTenant, 'streamed');
    for (const path of ['streamed', 'ordinary']) {
      for (const backwards of [false, true]) {
        expect(await this.#walk(list, size, backwards, isTenant, path)).toEqual(whole);
      }
    }
    for (const accept of ['text/csv', 'application/x-ndjson']) {
      const text = await this.#text(fileDocumentOf(list), {}, isTenant, accept);
      if (accept === 'text/csv') continue;
      const lines = text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
      const gap = lines.at(-1)?.error ? lines.pop().error : { unreadableCalls: 0 };
      expect(lines.length + gap.unreadableCalls).toBe(whole.length);
    }
  }

  /** Every item of the list, put together in its order. */
  async #walk(
    list: RandomList,
    size: number,
    backwards: boolean,
    isTenant: boolean,
    path: string,
  ): Promise<string[]> {
    const page = backwards ? `last: ${size}, before: $at` : `first: ${size}, after: $at`;
    const document = documentOf(list, page, 'nodes');
    let items: string[] = [];
    for (let at: string | null = null, pages = 0; ; pages++) {
      expect(pages).toBeLessThan(ROWS + 2);
      const { data, errors = [] } = await this.#ask(document, { at }, isTenant, path);
      const { nodes, pageInfo } = data.cdrs;
      const failed = errors.map(({ path: place }) => place!.slice(2).join('.'));
      const shown = (nodes as unknown[]).map((node, index) => {
        const own = failed.filter((place) => Number(place.split('.')[0]) === index);
        return JSON.stringify([node, own.map((place) => place.split('.').slice(1).join('.')).sort()]);
      });
      items = backwards ? [...shown, ...items] : [...items, ...shown];
      if (!(backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) return items;
      at = backwards ? pageInfo.startCursor : pageInfo.endCursor;
      expect(at).toEqual(expect.any(String));
    }
  }

  /** Nothing of anybody else; what sums make of numbers that are none is not looked at here. */
  async checkStatistics(): Promise<void> {
    for (const document of statistics) {
      for (const isTenant of [true, false]) await this.#text(document, {}, isTenant);
    }
  }

  /** Requests of everybody while the table changes: each is answered, or refused with a reason. */
  async alterMeanwhile(): Promise<void> {
    const stop = new AbortController();
    const asking = Array.from({ length: 3 }, async (_, index) => {
      const random = new Random(this.#random.below(2 ** 31) + index);
      while (!stop.signal.aborted) {
        const isTenant = random.chance(0.5);
        const list = randomList(random);
        const path = random.pick(['streamed', 'ordinary']);
        const kind = random.pick(['list', 'list', 'list', 'statistics', 'file']);
        if (kind === 'statistics') await this.#text(random.pick(statistics), {}, isTenant);
        else if (kind === 'file') await this.#text(fileDocumentOf(list), {}, isTenant, 'text/csv');
        else
          await this.#ask(
            documentOf(list, 'first: 20, after: $at', random.pick(['nodes', 'edges'])),
            { at: null },
            isTenant,
            path,
          );
      }
    });
    const asked = Promise.allSettled(asking);
    try {
      for (let change = 0; change < 6; change++) {
        await this.#database.pool.query(randomAlter(this.#random, this.#table));
        await Promise.race([this.#database.replayed(), delay(3000)]);
        await delay(60);
      }
    } finally {
      stop.abort();
      await asked;
    }
    await Promise.all(asking);
  }
}
