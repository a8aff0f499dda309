import { describe, expect, test } from 'vitest';
import { parseConditions } from '../../src/graphql/request-conditions.ts';
import { ResponseStore, type StoredResponse } from '../../src/graphql/response-store.ts';
import { findReuse } from '../../src/graphql/reuse.ts';
import type { Standing } from '../../src/replicas/session.ts';

const at = (lsn: bigint, overrides: Partial<Standing['position']> = {}): Standing => ({
  position: { systemIdentifier: '7', timeline: 1, lsn, ...overrides },
  asOf: `2026-01-05T09:00:0${lsn}.000000Z`,
  stalenessSeconds: 0.5,
  fingerprint: 'tables',
  secondsAgo: 0.5,
});

const responseOf = (standing: Standing): StoredResponse => ({
  entityTag: 'tag',
  body: Buffer.from('{}'),
  headers: {},
  standing,
  validity: { asOf: standing.asOf, stalenessSeconds: 0.5, at: performance.now() },
});

const request = (standing: Standing, headers: Record<string, string> = {}) => ({
  key: 'key',
  conditions: parseConditions(new Headers(headers)),
  freshness: { maxStalenessSeconds: undefined, readAfter: undefined },
  session: { standing: async () => standing },
  signal: new AbortController().signal,
});

describe('an answer is given again', () => {
  test.each<[string, Standing, string]>([
    ['for the place it was read at', at(3n), 'stored'],
    ['for a standby behind it', at(2n), 'stored'],
    ['not for one ahead', at(4n), 'executed'],
    ['not on another timeline', at(3n, { timeline: 2 }), 'executed'],
    ['not of another cluster', at(3n, { systemIdentifier: '8' }), 'executed'],
    ['not where the standby was seen there too long ago', { ...at(3n), secondsAgo: 2.5 }, 'executed'],
    ['not of other tables', { ...at(3n), fingerprint: 'altered' }, 'executed'],
  ])('%s', async (_, standing, kind) => {
    const store = new ResponseStore();
    store.add('key', responseOf(at(3n)));
    expect(await findReuse(store, request(standing))).toMatchObject({ kind });
  });

  test('with the later of both bounds', async () => {
    const store = new ResponseStore();
    store.add('key', responseOf(at(3n)));
    expect(await findReuse(store, request(at(2n)))).toMatchObject({ asOf: at(3n).asOf });
    expect(await findReuse(store, request({ ...at(3n), asOf: at(9n).asOf }))).toMatchObject({
      asOf: at(9n).asOf,
    });
  });

  test('and what was read from further behind does not take its place', async () => {
    const store = new ResponseStore();
    store.add('key', responseOf(at(3n)));
    store.add('key', responseOf(at(2n)));
    expect(store.find('key')!.standing).toEqual(at(3n));
    store.add('key', responseOf(at(4n)));
    expect(store.find('key')!.standing).toEqual(at(4n));
  });

  test('while no look is recent, to those who take an older one, of what was read last', async () => {
    const old = { ...at(3n), secondsAgo: 60 };
    const store = new ResponseStore();
    const before = responseOf(old);
    before.validity = { ...before.validity, at: performance.now() - 5000 };
    store.add('key', before);
    const takesOlder = () => findReuse(store, request(old, { 'cache-control': 'max-age=1' }));
    const executed = await takesOlder();
    expect(executed).toMatchObject({ kind: 'executed' });
    store.add('key', responseOf(old));
    expect(await takesOlder()).toMatchObject({ kind: 'stored' });
  });
});

describe('of many who want the same', () => {
  /** Executes for whoever has to, and says how often. */
  async function count(
    standings: readonly Standing[],
    end: (standing: Standing) => 'FAILED' | StoredResponse,
  ) {
    const store = new ResponseStore();
    let executions = 0;
    const kinds = await Promise.all(
      standings.map(async (standing) => {
        const found = await findReuse(store, request(standing));
        if (found?.kind !== 'executed') return found?.kind;
        executions++;
        await new Promise(setImmediate);
        found.flight?.settle(end(found.standing));
        return found.kind;
      }),
    );
    return { executions, kinds };
  }

  test('one executes where all standbys stand at one place', async () => {
    const { executions, kinds } = await count(
      Array.from({ length: 50 }, () => at(3n)),
      responseOf,
    );
    expect(executions).toBe(1);
    expect(kinds.filter((kind) => kind === 'collapsed')).toHaveLength(49);
  });

  test('one executes where no look is recent, of those that came together', async () => {
    const old = { ...at(3n), secondsAgo: 60 };
    expect(
      (
        await count(
          Array.from({ length: 50 }, () => old),
          responseOf,
        )
      ).executions,
    ).toBe(1);
  });

  test('two execute where standbys stand at two', async () => {
    const standings = Array.from({ length: 50 }, (_, index) => at(index % 2 === 0 ? 3n : 4n));
    expect((await count(standings, responseOf)).executions).toBe(2);
  });

  test('each executes by itself in the end where all fail', async () => {
    const { executions } = await count(
      Array.from({ length: 20 }, () => at(3n)),
      () => 'FAILED',
    );
    expect(executions).toBe(20);
  });
});

describe('the conditions of a request', () => {
  test.each<[Record<string, string>, object]>([
    [{}, { entityTags: [], maxAgeSeconds: 0, isReload: false }],
    [{ 'if-none-match': 'W/"one"' }, { entityTags: ['one'] }],
    [{ 'if-none-match': '"one", W/"two" ,"three"' }, { entityTags: ['one', 'two', 'three'] }],
    [{ 'if-none-match': 'W/""' }, { entityTags: [''] }],
    [{ 'if-none-match': '"with, a comma"' }, { entityTags: [] }],
    [{ 'if-none-match': '*' }, { entityTags: [] }],
    [{ 'if-none-match': 'one' }, { entityTags: [] }],
    [{ 'if-none-match': '"one' }, { entityTags: [] }],
    [{ 'cache-control': 'max-age=5' }, { maxAgeSeconds: 5, isReload: false }],
    [{ 'cache-control': 'private, Max-Age="7"' }, { maxAgeSeconds: 7 }],
    [{ 'cache-control': 'max-age=99999999999' }, { maxAgeSeconds: 0 }],
    [{ 'cache-control': 'max-age=999999' }, { maxAgeSeconds: 3600 }],
    [{ 'cache-control': 'max-age=-1' }, { maxAgeSeconds: 0 }],
    [{ 'cache-control': 's-max-age=5' }, { maxAgeSeconds: 0 }],
    [{ 'cache-control': 'max-age=5, no-cache' }, { isReload: true }],
    [{ 'cache-control': 'NO-STORE' }, { isReload: true }],
    [{ 'cache-control': 'x-no-cache' }, { isReload: false }],
    [
      { 'cache-control': 'no-cache', 'if-none-match': '"one"' },
      { isReload: false, entityTags: ['one'] },
    ],
  ])('%j', (headers, expected) => {
    expect(parseConditions(new Headers(headers))).toMatchObject(expected);
  });
});
