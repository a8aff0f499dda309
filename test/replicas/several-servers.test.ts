import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import { on } from '../gateway/served-gateway.ts';
import { doctor } from '../support/doctor.ts';
import { type Haproxy, hasHaproxy, startHaproxy } from '../support/haproxy.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { eventually } from './eventually.ts';
import { Eye, Heart, seconds } from './truth.ts';

const REFUSAL = /leads now to one server and now to another/;
const SAMPLES = 60;
const POOL_SIZE = 4;

/** Two standbys, of which the second is paused: what it says of its age must never be said of the other. */
let database: TestCluster;
let heart: Heart;
let ports: readonly number[];
let eyes: readonly Eye[];

beforeAll(async () => {
  database = await startTestCluster({ replicas: 2 });
  ports = database.cluster.replicas.map(({ port }) => port);
  heart = new Heart(database.primaryUrl);
  await heart.beat();
  await database.replayed();
  await database.pool.query('grant select on beats to gateway');
  await database.replayed();
  eyes = [await Eye.open(database.standbyUrls[0]!), await Eye.open(database.standbyUrls[1]!)];
  await on(database.standbyUrls[1]!, 'select pg_wal_replay_pause()');
  heart.start(0.05);
});

afterAll(async () => {
  for (const eye of eyes ?? []) await eye.close();
  await heart?.close();
  await database?.[Symbol.asyncDispose]();
});

function through({ port }: Pick<Haproxy, 'port'>, name: string): string {
  const url = new URL(database.replicaUrls[0]!);
  url.port = String(port);
  url.hash = name;
  return url.href;
}

interface Answer {
  readonly name: string;
  readonly port: number;
  readonly isOlderThanSaid: boolean;
}

/** What one request reads, beside the age it is told; undefined where it has to go on to another standby. */
async function readOnce(replicas: Replicas): Promise<Answer | undefined> {
  const replica = await replicas.choose();
  try {
    // What was committed by now, and is not shown, was missing when it was read.
    const moment = seconds();
    const { rows } = await replica.pool.query<{ id: number; port: number }>(
      'select inet_server_port() as port, max(id) as id from beats',
    );
    const { stalenessSeconds } = replica.freshness();
    const { id, port } = rows[0]!;
    const isOlderThanSaid = stalenessSeconds !== null && stalenessSeconds < heart.ageOfMissing(id, moment);
    return { name: replica.name, port, isOlderThanSaid };
  } catch (error) {
    expect(error).toMatchObject({ code: 'REPLICA_LOST' });
    replica.report(error);
    return undefined;
  } finally {
    replica.release();
  }
}

async function readOften(replicas: Replicas): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < SAMPLES; at += 2) {
    const pair = await Promise.all([readOnce(replicas), readOnce(replicas)]);
    answers.push(...pair.filter((answer) => answer !== undefined));
  }
  return answers;
}

/** As many as there are connections; none where no standby can be chosen. */
async function readAtOnce(replicas: Replicas): Promise<readonly Answer[]> {
  const reading = Array.from({ length: POOL_SIZE }, () => readOnce(replicas).catch(() => undefined));
  return (await Promise.all(reading)).filter((answer) => answer !== undefined);
}

async function portBehind(haproxy: Haproxy): Promise<number> {
  const [row] = await on(through(haproxy, ''), 'select inet_server_port()::text as port');
  return Number(row!.port);
}

/** Says over HTTP, as Patroni does, who has a role. */
class Role implements AsyncDisposable {
  readonly #servers: Server[] = [];
  holder = 0;

  /** Of each standby. */
  async open(): Promise<readonly number[]> {
    for (const index of ports.keys()) {
      const server = createServer((_request, response) => {
        response.writeHead(this.holder === index ? 200 : 503).end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      this.#servers.push(server);
    }
    return this.#servers.map((server) => (server.address() as AddressInfo).port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

describe.skipIf(!hasHaproxy)('behind HAProxy', () => {
  test('two standbys in turns are refused in a sentence, and nothing is told younger than it is', async () => {
    await using haproxy = await startHaproxy(ports.map((port) => ({ port })));
    const log: string[] = [];
    const logger = {
      info: (facts: object) => log.push(JSON.stringify(facts)),
      warn: (facts: object) => log.push(JSON.stringify(facts)),
    };
    const replicas = createReplicas({
      replicaUrls: [through(haproxy, 'turns'), `${database.replicaUrls[0]!}#direct`],
      poolSize: POOL_SIZE,
      pollIntervalSeconds: 0.1,
      logger,
    });
    try {
      await replicas.firstLook;
      const answers = await readOften(replicas);
      expect(answers.filter(({ isOlderThanSaid }) => isOlderThanSaid)).toEqual([]);
      expect(new Set(answers.map(({ name }) => name))).toEqual(new Set(['direct']));
      expect(replicas.snapshot().replicas[0]).toMatchObject({
        status: 'UNREACHABLE',
        reason: expect.stringMatching(REFUSAL),
      });
      expect(log.join('\n')).toMatch(REFUSAL);
    } finally {
      await replicas.close();
    }
  });

  test.each([
    { endsSessions: true, what: 'that ends the connections of the one before' },
    { endsSessions: false, what: 'that leaves connections to the one before' },
  ])('the standby that has a role is followed through one $what', async ({ endsSessions }) => {
    await using role = new Role();
    const rolePorts = await role.open();
    const servers = ports.map((port, index) => ({ port, rolePort: rolePorts[index]! }));
    await using haproxy = await startHaproxy(servers, { endsSessions });
    const replicas = createReplicas({
      replicaUrls: [through(haproxy, 'by-role')],
      primaryUrl: database.primaryUrl,
      poolSize: POOL_SIZE,
      pollIntervalSeconds: 0.1,
      // New connections of requests find out.
      reconnectAfterSeconds: 3600,
    });
    try {
      await replicas.firstLook;
      const answers = [...(await readOften(replicas))];
      expect(new Set(answers.map(({ port }) => port))).toEqual(new Set([ports[0]]));
      role.holder = 1;
      await eventually(() => portBehind(haproxy)).toBe(ports[1]);
      await eventually(async () => {
        const some = await readAtOnce(replicas);
        answers.push(...some);
        return some.at(-1)?.port;
      }).toBe(ports[1]);
      answers.push(...(await readOften(replicas)));
      expect(answers.at(-1)).toMatchObject({ name: 'by-role', port: ports[1] });
      expect(answers.filter(({ isOlderThanSaid }) => isOlderThanSaid)).toEqual([]);
      expect(replicas.snapshot().replicas[0]).toMatchObject({ status: 'PAUSED' });
    } finally {
      await replicas.close();
    }
  });

  test('several servers are a problem to the doctor, and a role is none', async () => {
    const [inTurns, byRole]: [string[], string[]] = [[], []];
    {
      await using haproxy = await startHaproxy(ports.map((port) => ({ port })));
      expect(await doctor([through(haproxy, 'turns')], 'xdrs', (line) => inTurns.push(line))).toBe(2);
    }
    expect(inTurns).toContainEqual(expect.stringMatching(REFUSAL));
    await using role = new Role();
    const rolePorts = await role.open();
    await using haproxy = await startHaproxy(
      ports.map((port, index) => ({ port, rolePort: rolePorts[index]! })),
    );
    await doctor([through(haproxy, 'by-role')], 'xdrs', (line) => byRole.push(line));
    expect(byRole.join('\n')).not.toMatch(/several|now to one|pooler/);
    expect(byRole.length).toBeGreaterThan(0);
  });
});

test.skipIf(!hasPgBouncer || !hasHaproxy)(
  'behind PgBouncer too, two standbys in turns are refused',
  async () => {
    await using haproxy = await startHaproxy(ports.map((port) => ({ port })));
    await using bouncer = await startPgBouncer({
      url: through(haproxy, 'turns'),
      poolMode: 'session',
      poolSize: 8,
    });
    const replicas = createReplicas({
      replicaUrls: [bouncer.url],
      poolSize: POOL_SIZE,
      pollIntervalSeconds: 0.1,
    });
    try {
      await replicas.firstLook;
      await eventually(() => replicas.snapshot().replicas[0]!.reason).toMatch(REFUSAL);
    } finally {
      await replicas.close();
    }
  },
);
