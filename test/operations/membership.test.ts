import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../../src/serve.ts';
import { FreshPair, type Host, hasPostgres, tellReplica } from './fresh-pair.ts';

const TOKEN = 'admin-token-of-the-tests';

/** Asks without a pause, and keeps what was not answered. */
class Load {
  readonly failures: string[] = [];
  readonly answers = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(url: string) {
    this.#done = this.#run(url);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(url: string): Promise<void> {
    const body = JSON.stringify({ query: '{ cdrs(first: 50) { nodes { id connectTime } } }' });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };
    while (!this.#stop.signal.aborted) {
      const text = await fetch(url, { method: 'POST', headers, body }).then(
        (response) => response.text(),
        (error: Error) => error.message,
      );
      const name = /"replica":\{"name":"([^"]+)"/.exec(text)?.[1];
      if (name === undefined || !text.includes('"nodes":[{')) this.failures.push(text.slice(0, 300));
      else this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
      await delay(2);
    }
  }
}

async function eventually(condition: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(what());
    await delay(20);
  }
}

describe.skipIf(!hasPostgres)('a standby comes and another goes, while clients ask', () => {
  let pair: FreshPair;
  let [first, second]: [Host, Host] = [] as unknown as [Host, Host];
  let gateway: Gateway;
  let load: Load;
  const file = () => pair.path('replica-urls');
  const url = () => ['--url', pair.adminUrl(pair.primary, 'sippy')];
  const slots = () => pair.sql('select slot_name, active from pg_replication_slots order by 1');

  beforeAll(async () => {
    const site = await FreshPair.withStandby();
    [pair, first, second] = [site.pair, site.standby, await site.pair.addHost('db-3')];
    writeFileSync(file(), `# Of both gateways.\n${pair.gatewayUrl(first)}\n`, { mode: 0o600 });
    gateway = await startGateway({
      REPLICA_URLS_FILE: file(),
      ADMIN_TOKEN: TOKEN,
      API_PORT: '0',
      LOG_LEVEL: 'silent',
      POLL_INTERVAL: '0.2',
    });
    load = new Load(gateway.url);
  });
  afterAll(async () => {
    await load?.end();
    await gateway?.close();
    await pair?.[Symbol.asyncDispose]();
  });

  const add = (...more: readonly string[]) =>
    tellReplica(
      ...['add', 'db-3', '--address', '127.0.0.1', ...url(), '--urls-file', file()],
      ...['--replica-url', pair.gatewayUrl(second), ...more],
    );

  test('it is added: the primary first, then the gateways, once it streams', async () => {
    expect(await add()).toMatchObject({
      exitCode: 1,
      steps: [
        'Make the slot db_3',
        expect.stringMatching(/^Let standbys and gateways in/),
        'Make db-3 stream (left to you)',
      ],
    });
    expect(await slots()).toHaveLength(1);
    expect(await add('--apply')).toMatchObject({ exitCode: 1 });
    expect(readFileSync(file(), 'utf8')).not.toContain('db-3');
    expect(await add('--apply')).toMatchObject({ exitCode: 1, steps: ['Make db-3 stream (left to you)'] });

    expect(await pair.setupReplica(second, '--apply')).toMatchObject({ exitCode: 0 });
    const told = await add('--apply');
    expect(told).toMatchObject({ exitCode: 0, steps: [expect.stringMatching(/^Name db-3 in /)] });
    expect(told.text).not.toContain('of-the-gateway');
    expect(await add()).toMatchObject({ exitCode: 0, steps: [] });
    await eventually(
      () => (load.answers.get('db-3') ?? 0) > 20,
      () => `Nobody was answered by db-3: ${JSON.stringify([...load.answers])} ${load.failures[0]}`,
    );
    expect(load.failures.slice(0, 3)).toEqual([]);
  });

  test('the other is taken out: the gateways first, then what the primary kept for it', async () => {
    const remove = (...more: readonly string[]) =>
      tellReplica('remove', 'db-2', ...url(), '--urls-file', file(), ...more);
    expect(await remove('--apply')).toMatchObject({
      exitCode: 1,
      steps: [expect.stringMatching(/^Take db-2 out of /), 'Stop db-2, on its host (left to you)'],
    });
    expect(readFileSync(file(), 'utf8')).toMatch(/^# Of both gateways\.\n.*#db-3\n$/);
    await eventually(
      async () => {
        const [found] = await pair.sql(
          `select count(*)::int as count from pg_stat_activity where usename = 'gateway'`,
          first,
        );
        return found!.count === 0;
      },
      () => 'Gateways did not let go of db-2.',
    );
    pair.stop(first);

    expect(await remove('--apply')).toMatchObject({
      exitCode: 0,
      steps: ['Drop the slot db_2', expect.stringMatching(/^Let db-2 in no more/)],
    });
    expect(await remove()).toMatchObject({ exitCode: 0, steps: [] });
    expect(await slots()).toEqual([{ slot_name: 'db_3', active: true }]);
    expect(load.failures.slice(0, 3)).toEqual([]);
    expect(load.answers.get('db-3')).toBeGreaterThan(0);
  });

  test('what would hurt is refused', async () => {
    const remove = (...more: readonly string[]) => tellReplica('remove', 'db-3', ...url(), ...more);
    expect(await remove('--urls-file', file(), '--apply')).toMatchObject({
      exitCode: 2,
      text: expect.stringMatching(/^db-3 is the last standby in /),
    });
    expect(await remove('--urls-file', '/nowhere')).toMatchObject({
      exitCode: 2,
      text: expect.stringMatching(/^There is no file \/nowhere/),
    });
    await pair.sql(`alter system set synchronous_standby_names = 'FIRST 1 ("db-3")'`);
    await pair.sql('select pg_reload_conf()');
    expect(await remove('--apply')).toMatchObject({
      exitCode: 2,
      text: expect.stringMatching(/in synchronous_standby_names .* commits would wait for ever/),
    });
    await pair.sql('alter system reset synchronous_standby_names');
    await pair.sql('select pg_reload_conf()');
    expect(
      await tellReplica('add', 'db-4', ...url(), '--address', '10.0.0.14', '--role', 'nobody_yet'),
    ).toMatchObject({
      exitCode: 2,
      text: expect.stringMatching(/has no role nobody_yet/),
    });
    expect(
      await tellReplica('add', 'db-4', ...url(), '--address', '10.0.0.14', '--urls-file', file()),
    ).toMatchObject({
      exitCode: 2,
      text: '--urls-file and --replica-url go together.',
    });
    expect(await slots()).toHaveLength(1);
  });
});
