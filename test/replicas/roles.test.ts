import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import { makeStandbyOf, promote } from '../support/change-roles.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { eventually } from './eventually.ts';

let database: TestCluster;
let directory: string;
let file: string;
let replicas: Replicas;
const lines: { readonly message: string; readonly [name: string]: unknown }[] = [];
const note = (facts: object, message: string) => lines.push({ ...facts, message });

/** As the gateway's role, on any server of the cluster. */
function urlOf(port: number, name: string): string {
  const url = new URL(database.replicaUrls[0]!);
  url.port = String(port);
  return `${url.href}#${name}`;
}

const nodes = () => [database.cluster.primary, ...database.cluster.replicas];
const listOf = (...indices: readonly number[]) =>
  indices.map((index) => `${urlOf(nodes()[index]!.port, `node-${index}`)}\n`).join('');
const states = () => replicas.snapshot().replicas.map(({ name, status }) => `${name} ${status}`);

beforeAll(async () => {
  database = await startTestCluster({ replicas: 2 });
  directory = await mkdtemp(join(tmpdir(), 'roles-'));
  file = join(directory, 'standbys');
  await writeFile(file, listOf(1));
  replicas = createReplicas({
    replicaUrls: [],
    replicaUrlsFile: file,
    primaryUrl: nodes()
      .map(({ port }, index) => urlOf(port, `server-${index}`))
      .join(','),
    readFromPrimary: true,
    poolSize: 2,
    pollIntervalSeconds: 0.1,
    logger: { info: note, warn: note },
  });
  await replicas.firstLook;
});

afterAll(async () => {
  await replicas?.close();
  await database?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function chooseName(): Promise<string> {
  const replica = await replicas.choose();
  replica.release();
  return replica.name;
}

/** Of so many requests at once, which are shared out among the standbys. */
async function chooseNames(): Promise<string[]> {
  const chosen = await Promise.all(Array.from({ length: 8 }, () => replicas.choose()));
  for (const { release } of chosen) release();
  return [...new Set(chosen.map(({ name }) => name))].toSorted();
}

/** Enough to be shown. */
const MAX_FAILURES = 100;

/** Reads without a pause until it is stopped; resolves with what failed. */
function readOn() {
  let isStopped = false;
  const failures: unknown[] = [];
  const names = new Set<string>();
  const reading = (async () => {
    while (!isStopped && failures.length < MAX_FAILURES) {
      const replica = await replicas.choose().catch((error: unknown) => failures.push(error));
      if (typeof replica === 'number') continue;
      await replica.pool.query('select 1').then(
        () => names.add(replica.name),
        (error: unknown) => {
          replica.report(error);
          failures.push(error);
        },
      );
      replica.release();
    }
  })();
  return async () => {
    isStopped = true;
    await reading;
    return { failures, names: [...names].toSorted() };
  };
}

describe('a list that changes while the gateway runs', () => {
  test('brings a standby, which is read from when it has caught up, and takes one, which drains', async () => {
    expect(states()).toEqual(['node-1 STREAMING']);
    const held = await replicas.choose();
    expect(held.name).toBe('node-1');
    const stop = readOn();
    await writeFile(file, listOf(1, 2));
    await eventually(states).toEqual(['node-1 STREAMING', 'node-2 STREAMING']);
    await eventually(chooseNames).toEqual(['node-1', 'node-2']);

    await writeFile(file, listOf(2));
    await eventually(states).toEqual(['node-2 STREAMING']);
    expect((await held.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    held.release();
    await eventually(async () => held.pool.query('select 1').catch(({ message }) => message)).toMatch(
      /after calling end/,
    );
    expect(await stop()).toEqual({ failures: [], names: ['node-1', 'node-2'] });
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'server has joined', replica: 'node-2' }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'server has left, and drains', replica: 'node-1' }),
    );
  });

  test('that was emptied changes nothing but the report', async () => {
    await writeFile(file, '');
    await eventually(() => replicas.snapshot().sources[0]!.problem).toMatch(/list of before is kept/);
    expect(states()).toEqual(['node-2 STREAMING']);
    await writeFile(file, listOf(0, 1, 2));
    await eventually(() => replicas.snapshot().sources[0]!.problem).toBeNull();
    await eventually(states).toEqual(['node-0 PRIMARY', 'node-1 STREAMING', 'node-2 STREAMING']);
    // One of the listed is the primary of the others: that is as it should be.
    expect(replicas.snapshot()).toMatchObject({
      status: 'OK',
      primary: { status: 'AVAILABLE', timeline: 1 },
    });
  });
});

test('a server that is named twice in other words counts once, however often the list is read', async () => {
  const list = join(directory, 'twice');
  const unnamed = (index: number) => urlOf(nodes()[index]!.port, '').slice(0, -1);
  const twice = `${unnamed(1)}\n${unnamed(1)}?sslmode=disable\n`;
  await writeFile(list, twice);
  const read = createReplicas({
    replicaUrls: [],
    replicaUrlsFile: list,
    poolSize: 1,
    pollIntervalSeconds: 0.1,
  });
  const names = () => read.snapshot().replicas.map(({ name }) => name);
  try {
    await read.firstLook;
    expect(names()).toEqual(['replica-1']);
    await writeFile(list, `${twice}${unnamed(2)}\n`);
    await eventually(names).toEqual(['replica-1', 'replica-2']);
    await writeFile(list, `${unnamed(2)}\n`);
    await eventually(names).toEqual(['replica-2']);
  } finally {
    await read.close();
  }
});

describe('a switch-over', () => {
  test('takes the promoted one out and the old primary in, without a failed read, and the primary follows', async () => {
    const [old, next, other] = nodes();
    const stop = readOn();
    await promote(next!, { stopping: old! });
    await makeStandbyOf(next!, other!);
    await makeStandbyOf(next!, old!);
    await eventually(states).toEqual(['node-0 STREAMING', 'node-1 PROMOTED', 'node-2 STREAMING']);
    await eventually(() => replicas.snapshot()).toMatchObject({
      status: 'OK',
      primary: { status: 'AVAILABLE', timeline: 2 },
    });
    await eventually(chooseNames).toEqual(['node-0', 'node-2']);
    const { failures } = await stop();
    expect(failures).toEqual([]);
  });

  test('back again works as well', async () => {
    const [first, present, other] = nodes();
    const stop = readOn();
    await promote(first!, { stopping: present! });
    await makeStandbyOf(first!, other!);
    await makeStandbyOf(first!, present!);
    await eventually(states).toEqual(['node-0 PROMOTED', 'node-1 STREAMING', 'node-2 STREAMING']);
    await eventually(() => replicas.snapshot().primary).toMatchObject({ status: 'AVAILABLE', timeline: 3 });
    expect((await stop()).failures).toEqual([]);
  });
});

describe('the primary', () => {
  test('answers by its name while no standby can, where an operator allows it, and the log says so', async () => {
    const [, one, other] = nodes();
    const before = await replicas.choose();
    expect(before.name).toMatch(/^node-[12]$/);
    before.release();
    await Promise.all([one!.stop('fast'), other!.stop('fast')]);
    await eventually(chooseName).toBe('server-0');
    // As when it failed the request as the standby of the same name that it was.
    const replica = await replicas.choose({ maxStalenessSeconds: 1, avoid: new Set(['server-0']) });
    expect((await replica.pool.query('select pg_is_in_recovery() as standby')).rows).toEqual([
      { standby: false },
    ]);
    await expect(replica.pool.query('create table t (i int)')).rejects.toMatchObject({ code: '25006' });
    replica.release();
    expect(replicas.ready()).toBe(true);
    expect(lines.map(({ message }) => message)).toContain('no standby can answer: the primary does');
    await Promise.all([one!.start(), other!.start()]);
    await eventually(chooseName).toMatch(/^node-[12]$/);
    const messages = () => lines.map(({ message }) => message);
    await eventually(messages).toContain('standbys answer again, and the primary no more');
  });

  test('does not answer otherwise', async () => {
    const [primary] = nodes();
    const strict = createReplicas({
      replicaUrls: ['postgresql://127.0.0.1:1/calls'],
      primaryUrl: urlOf(primary!.port, 'switch'),
      poolSize: 1,
    });
    await strict.firstLook;
    await expect(strict.choose()).rejects.toMatchObject({ code: 'NO_REPLICA_AVAILABLE' });
    await strict.close();
  });
});

test('servers that cannot be used are named, with what to do, and the rest serves', async () => {
  const [primary, one, other] = nodes();
  const spoilt = (change: (url: URL) => void, name: string) => {
    const url = new URL(urlOf(other!.port, name));
    change(url);
    return url.href;
  };
  const stranger = new URL(inject('postgres').standbyUrls[0]!);
  const urls = [
    urlOf(one!.port, 'well'),
    urlOf(other!.port, 'well-too'),
    urlOf(primary!.port, 'primary'),
    spoilt((url) => (url.host = 'no-such-host.invalid'), 'nowhere'),
    spoilt((url) => (url.password = 'wrong'), 'refused'),
    spoilt((url) => (url.pathname = '/postgres'), 'elsewhere'),
    spoilt((url) => (url.pathname = '/missing'), 'missing'),
    spoilt((url) => (url.port = '1'), 'deaf'),
    `${Object.assign(stranger, { pathname: '/calls' }).href}#stranger`,
  ];
  const many = createReplicas({ replicaUrls: urls, poolSize: 1, pollIntervalSeconds: 0.1 });
  await many.firstLook;
  const found = () =>
    new Map(many.snapshot().replicas.map((each) => [each.name, `${each.status}: ${each.reason}`]));
  await eventually(() => found().get('deaf')).toMatch(/^UNREACHABLE: .*ECONNREFUSED/);
  expect(found().get('primary')).toMatch(/^PRIMARY: .*used as soon as it becomes one/);
  expect(found().get('nowhere')).toMatch(/^UNREACHABLE: .*resolves to nothing: correct the URL/);
  expect(found().get('refused')).toMatch(/^UNREACHABLE: .*28P01.*check user and password/);
  expect(found().get('elsewhere')).toMatch(/^WRONG_CLUSTER: .*another database.*correct it/);
  expect(found().get('missing')).toMatch(/^UNREACHABLE: .*no such database: correct the URL/);
  expect(found().get('stranger')).toMatch(
    /^(WRONG_CLUSTER: .*correct its URL|UNREACHABLE: .*no such database)/,
  );
  const chosen = await Promise.all(Array.from({ length: 20 }, () => many.choose()));
  for (const replica of chosen) replica.release();
  expect(new Set(chosen.map(({ name }) => name))).toEqual(new Set(['well', 'well-too']));
  await many.close();
});

test('SIGHUP reads the list again, and ends nothing', async () => {
  await writeFile(file, listOf(1));
  const gateway = spawn(process.execPath, ['src/cli.ts', 'serve'], {
    env: {
      PATH: process.env.PATH,
      REPLICA_URLS_FILE: file,
      DISCOVERY_INTERVAL: '600',
      ADMIN_TOKEN: 'admin-token-of-the-tests',
      API_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const log: { msg?: string; message?: string; replica?: string }[] = [];
    createInterface({ input: gateway.stdout }).on('line', (line) => log.push(JSON.parse(line)));
    const said = () => log.map(({ msg, message, replica }) => `${msg ?? message} ${replica ?? ''}`.trim());
    await eventually(said).toContain('ready');
    gateway.kill('SIGHUP');
    await eventually(said).toContain('reloading where standbys are named');
    await writeFile(file, listOf(1, 2));
    gateway.kill('SIGHUP');
    await eventually(said).toContain('server has joined node-2');
    expect(gateway.exitCode).toBeNull();
  } finally {
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
  }
  expect(gateway.exitCode).toBe(0);
});
