import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { processesOf, type Rig, type RigStandby, run, signalAll, waitUntil } from './rig.ts';

/** Something that is done to real servers, and undone. */
export interface Fault {
  readonly name: string;
  readonly group: string;
  readonly holdSeconds: number;
  /** The server whose state should show it; undefined when it is too short, or nothing is wrong. */
  readonly shows?: 'replica-1' | 'replica-2' | 'primary';
  /** Whether a standby is well all the time. */
  readonly isSpared: boolean;
  /** No standby that answers has what was told last, so that a page that goes on from a token has to wait. */
  readonly delaysTokens?: boolean;
  /** The number of the gateway that it freezes. */
  readonly freezesGateway?: 1 | 2;
  inject(rig: Rig): Promise<void>;
  heal(rig: Rig): Promise<void>;
}

type FaultOptions = Partial<
  Pick<Fault, 'shows' | 'isSpared' | 'holdSeconds' | 'freezesGateway' | 'delaysTokens'>
>;
type Act = (rig: Rig) => unknown;

const HOLD_SECONDS = 5;

class Group {
  readonly faults: Fault[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  add(name: string, options: FaultOptions, inject: Act, heal: Act = () => {}): this {
    this.faults.push({
      name,
      group: this.#name,
      holdSeconds: HOLD_SECONDS,
      isSpared: true,
      ...options,
      inject: async (rig) => void (await inject(rig)),
      heal: async (rig) => void (await heal(rig)),
    });
    return this;
  }
}

const first = ({ standbys }: Rig): RigStandby => standbys[0];
const both = ({ standbys }: Rig): readonly RigStandby[] => standbys;
const onPrimary = (rig: Rig, statement: string) => run(rig.primaryUrl, statement);

/** What has to be put back; a fault begins when the one before has ended. */
let frozen: readonly number[] = [];
let repeating: { stop(): Promise<void> } | undefined;
let clients: pg.Client[] = [];

async function freeze(pids: readonly number[] | Promise<readonly number[]>): Promise<void> {
  frozen = await pids;
  signalAll(frozen, 'SIGSTOP');
}

function thaw(): void {
  signalAll(frozen, 'SIGCONT');
  frozen = [];
}

/** Again and again until the fault ends. */
function repeat(seconds: number, act: () => unknown): void {
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      await Promise.resolve(act()).catch(() => {});
      await delay(seconds * 1000);
    }
  })();
  repeating = {
    stop() {
      isStopped = true;
      return running;
    },
  };
}

async function stopRepeating(): Promise<void> {
  await repeating?.stop();
  repeating = undefined;
}

async function pidOn(url: string, statement: string): Promise<number[]> {
  return (await run(url, statement)).map(({ pid }) => Number(pid));
}

const backendsSql = `select pid from pg_stat_activity where usename = 'gateway' and backend_type = 'client backend'`;
const processSql = (type: string) => `select pid from pg_stat_activity where backend_type = '${type}'`;
const terminateSql = `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gateway'`;

async function hold(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  for (const statement of statements) await client.query(statement);
}

async function letGo(): Promise<void> {
  const ended = clients;
  clients = [];
  await Promise.all(ended.map((client) => client.end().catch(() => {})));
}

/** Takes every connection that superusers leave to others. */
async function takeConnections(url: string): Promise<void> {
  for (;;) {
    try {
      await hold(url);
    } catch {
      return;
    }
  }
}

const replica1 = { shows: 'replica-1' } as const;

const servers = new Group('A standby')
  .add(
    'its postmaster is killed, and started after 5 s',
    replica1,
    (rig) => first(rig).node.kill('SIGKILL'),
    (rig) => first(rig).node.start(),
  )
  .add('it is killed and started at once', { holdSeconds: 3 }, async (rig) => {
    await first(rig).node.kill('SIGKILL');
    await first(rig).node.start();
  })
  .add(
    'it is stopped fast, and started after 5 s',
    replica1,
    (rig) => first(rig).node.stop('fast'),
    (rig) => first(rig).node.start(),
  )
  .add('it is stopped at once (immediate) and restarted', { holdSeconds: 3 }, async (rig) => {
    await first(rig).node.stop('immediate');
    await first(rig).node.start();
  })
  .add('a backend crashes, so that all its processes end', { holdSeconds: 3 }, async (rig) =>
    signalAll((await pidOn(first(rig).url, backendsSql)).slice(0, 1), 'SIGKILL'),
  )
  .add(
    'backends crash again and again',
    {},
    (rig) =>
      repeat(1, async () => signalAll((await pidOn(first(rig).url, backendsSql)).slice(0, 1), 'SIGKILL')),
    stopRepeating,
  )
  .add('it is frozen with all its processes', replica1, (rig) => freeze(processesOf(first(rig).node)), thaw)
  .add('it is frozen for a second', { holdSeconds: 1 }, (rig) => freeze(processesOf(first(rig).node)), thaw)
  .add(
    'it is frozen again and again, half a second each',
    {},
    (rig) =>
      repeat(0.5, async () => {
        await freeze(processesOf(first(rig).node));
        await delay(500);
        thaw();
      }),
    async () => {
      await stopRepeating();
      thaw();
    },
  )
  .add(
    'only its postmaster is frozen',
    { holdSeconds: 8 },
    async (rig) => {
      const postmaster = first(rig).node.pid()!;
      await run(first(rig).url, `${terminateSql} and application_name = 'cdr-gateway'`);
      await freeze([postmaster]);
    },
    thaw,
  )
  .add(
    'the gateways’ backends are frozen',
    { holdSeconds: 4 },
    (rig) => freeze(pidOn(first(rig).url, `${backendsSql} and application_name = 'cdr-gateway'`)),
    thaw,
  )
  .add('every connection to it is ended', { holdSeconds: 2 }, (rig) => run(first(rig).url, terminateSql))
  .add(
    'connections to it are ended again and again',
    {},
    (rig) => repeat(0.2, () => run(first(rig).url, terminateSql)),
    stopRepeating,
  )
  .add(
    'it has no connection left',
    { holdSeconds: 4 },
    async (rig) => {
      await run(first(rig).url, `${terminateSql} and application_name = 'cdr-gateway'`);
      await takeConnections(first(rig).url);
    },
    letGo,
  )
  .add('the database’s settings of the standby are reloaded', { holdSeconds: 2 }, (rig) =>
    first(rig).node.reload(),
  );

const replay = new Group('Replay on a standby')
  .add(
    'it is paused',
    replica1,
    (rig) => run(first(rig).url, 'select pg_wal_replay_pause()'),
    (rig) => run(first(rig).url, 'select pg_wal_replay_resume()'),
  )
  .add(
    'it is paused and resumed again and again',
    {},
    (rig) =>
      repeat(0.3, async () => {
        await run(first(rig).url, 'select pg_wal_replay_pause()');
        await delay(700);
        await run(first(rig).url, 'select pg_wal_replay_resume()');
      }),
    async (rig) => {
      await stopRepeating();
      await run(first(rig).url, 'select pg_wal_replay_resume()');
    },
  )
  .add(
    'it is delayed on purpose by 2 s',
    replica1,
    (rig) => first(rig).node.setting('recovery_min_apply_delay', '2s').reload(),
    (rig) => first(rig).node.setting('recovery_min_apply_delay', null).reload(),
  )
  .add(
    'its process is frozen',
    { holdSeconds: 6 },
    async (rig) => freeze(await pidOn(first(rig).url, processSql('startup'))),
    thaw,
  )
  .add('it is paused, and the server killed and started meanwhile', replica1, async (rig) => {
    await run(first(rig).url, 'select pg_wal_replay_pause()');
    await delay(2000);
    await first(rig).node.kill('SIGKILL');
    await first(rig).node.start();
  })
  .add(
    'it cancels statements: rows they may need are removed',
    {},
    (rig) => {
      repeat(0.2, async () => {
        await onPrimary(rig, 'update crowd set id = id + 1');
        await onPrimary(rig, 'vacuum crowd');
      });
    },
    stopRepeating,
  )
  .add(
    'it replays ALTER TABLE of the calls',
    { isSpared: true },
    (rig) => repeat(0.5, () => onPrimary(rig, 'alter table xdrs alter column user_agent set statistics 100')),
    stopRepeating,
  )
  .add(
    'a lock of the calls reaches one standby alone',
    { holdSeconds: 4, delaysTokens: true },
    async (rig) => {
      await run(rig.standbys[1].url, 'select pg_wal_replay_pause()');
      await hold(rig.primaryUrl, 'begin', 'lock table xdrs in access exclusive mode');
      await run(rig.primaryUrl, `select pg_logical_emit_message(true, 'fault', '')`);
    },
    async (rig) => {
      await letGo();
      await run(rig.standbys[1].url, 'select pg_wal_replay_resume()');
    },
  )
  .add(
    'it has 30 MB of a single transaction to replay',
    { holdSeconds: 3 },
    (rig) =>
      onPrimary(
        rig,
        'create table ballast as select md5(i::text) as text from generate_series(1, 400000) as i',
      ),
    (rig) => onPrimary(rig, 'drop table ballast'),
  );

const upstream = new Group('The link from the primary to a standby')
  .add(
    'it is cut without a word',
    { ...replica1, holdSeconds: 6 },
    (rig) => first(rig).upstream.bandwidth(0),
    (rig) => openLine(first(rig).upstream),
  )
  .add(
    'it swallows what the primary sends',
    { ...replica1, holdSeconds: 6 },
    (rig) => first(rig).upstream.carry({ down: false }),
    (rig) => openLine(first(rig).upstream),
  )
  .add(
    'it swallows what the standby sends',
    { holdSeconds: 6 },
    (rig) => first(rig).upstream.carry({ up: false }),
    (rig) => openLine(first(rig).upstream),
  )
  .add(
    'it is cut for a second',
    { holdSeconds: 1 },
    (rig) => first(rig).upstream.bandwidth(0),
    (rig) => openLine(first(rig).upstream),
  )
  .add('it is ended, and comes back', { holdSeconds: 2 }, (rig) => first(rig).upstream.reset())
  .add(
    'it is ended again and again',
    {},
    (rig) => repeat(0.5, () => first(rig).upstream.reset()),
    stopRepeating,
  )
  .add(
    'nobody listens at its other end',
    replica1,
    (rig) => {
      first(rig).upstream.refuse(true);
      first(rig).upstream.reset();
    },
    (rig) => openLine(first(rig).upstream),
  )
  .add(
    'it is slow: 200 kB/s for 1 MB/s',
    { ...replica1, holdSeconds: 6 },
    (rig) => {
      rig.commits.bytes = 50_000;
      first(rig).upstream.bandwidth(200_000);
    },
    (rig) => {
      rig.commits.bytes = 200;
      openLine(first(rig).upstream);
    },
  )
  .add(
    'it carries for a second, and not for the next',
    {},
    (rig) =>
      repeat(1, async () => {
        first(rig).upstream.bandwidth(0);
        await delay(1000);
        first(rig).upstream.bandwidth(Number.POSITIVE_INFINITY);
      }),
    async (rig) => {
      await stopRepeating();
      openLine(first(rig).upstream);
    },
  )
  .add(
    'the receiver is frozen',
    { ...replica1, holdSeconds: 7 },
    async (rig) => freeze(await pidOn(first(rig).url, 'select pid from pg_stat_wal_receiver')),
    thaw,
  )
  .add(
    'the sender is frozen',
    { ...replica1, holdSeconds: 7 },
    async (rig) =>
      freeze(
        await pidOn(
          rig.primaryUrl,
          `select pid from pg_stat_replication where application_name = '${first(rig).node.name}'`,
        ),
      ),
    thaw,
  )
  .add('the sender is killed, and with it the primary’s processes', { holdSeconds: 3 }, async (rig) =>
    signalAll(
      await pidOn(
        rig.primaryUrl,
        `select pid from pg_stat_replication where application_name = '${first(rig).node.name}'`,
      ),
      'SIGKILL',
    ),
  )
  .add(
    'its slot is dropped',
    replica1,
    async (rig) => {
      first(rig).upstream.refuse(true);
      first(rig).upstream.reset();
      const drop = () => onPrimary(rig, `select pg_drop_replication_slot('${first(rig).node.name}')`);
      await waitUntil(
        () =>
          drop().then(
            () => true,
            () => false,
          ),
        5,
      );
      first(rig).upstream.refuse(false);
    },
    (rig) => onPrimary(rig, `select pg_create_physical_replication_slot('${first(rig).node.name}', true)`),
  );

const downstream = new Group('The link from the gateways to a standby')
  .add(
    'it is cut without a word',
    replica1,
    (rig) => first(rig).cable.bandwidth(0),
    (rig) => openLine(first(rig).cable),
  )
  .add(
    'it swallows what the standby sends',
    replica1,
    (rig) => first(rig).cable.carry({ down: false }),
    (rig) => openLine(first(rig).cable),
  )
  .add(
    'it swallows what the gateways send',
    replica1,
    (rig) => first(rig).cable.carry({ up: false }),
    (rig) => openLine(first(rig).cable),
  )
  .add(
    'it is cut for a second',
    { holdSeconds: 1 },
    (rig) => first(rig).cable.bandwidth(0),
    (rig) => openLine(first(rig).cable),
  )
  .add(
    'connections that are there swallow everything, new ones work',
    { holdSeconds: 4 },
    (rig) => first(rig).cable.swallow(),
    (rig) => openLine(first(rig).cable),
  )
  .add('every connection is ended once', { holdSeconds: 2 }, (rig) => first(rig).cable.reset())
  .add(
    'every connection is ended again and again',
    {},
    (rig) => repeat(0.3, () => first(rig).cable.reset()),
    stopRepeating,
  )
  .add(
    'nobody listens at its other end',
    replica1,
    (rig) => {
      first(rig).cable.refuse(true);
      first(rig).cable.reset();
    },
    (rig) => openLine(first(rig).cable),
  )
  .add(
    'it is slow: 300 kB/s',
    {},
    (rig) => first(rig).cable.bandwidth(300_000),
    (rig) => openLine(first(rig).cable),
  )
  .add(
    'it carries for a second, and not for the next',
    {},
    (rig) =>
      repeat(1, async () => {
        first(rig).cable.bandwidth(0);
        await delay(1000);
        first(rig).cable.bandwidth(Number.POSITIVE_INFINITY);
      }),
    async (rig) => {
      await stopRepeating();
      openLine(first(rig).cable);
    },
  );

function openLine(cable: RigStandby['cable']): void {
  cable.bandwidth(Number.POSITIVE_INFINITY);
  cable.carry({ down: true, up: true });
  cable.refuse(false);
}

const primary = { shows: 'primary' } as const;

const primaries = new Group('The primary')
  .add(
    'it is killed, and started after 5 s',
    primary,
    ({ cluster }) => cluster.primary.kill('SIGKILL'),
    ({ cluster }) => cluster.primary.start(),
  )
  .add(
    'it is stopped fast, and started after 5 s',
    primary,
    ({ cluster }) => cluster.primary.stop('fast'),
    ({ cluster }) => cluster.primary.start(),
  )
  .add('it is restarted at once', { holdSeconds: 3 }, async ({ cluster }) => {
    await cluster.primary.stop('immediate');
    await cluster.primary.start();
  })
  .add('a backend of it crashes', { holdSeconds: 3 }, async ({ cluster, primaryUrl }) => {
    const [pid] = await pidOn(primaryUrl, processSql('client backend'));
    if (cluster.primary.isRunning) signalAll([pid!], 'SIGKILL');
  })
  .add(
    'it is frozen with all its processes',
    { ...primary, holdSeconds: 6 },
    ({ cluster }) => freeze(processesOf(cluster.primary)),
    thaw,
  )
  .add(
    'only its postmaster is frozen',
    { holdSeconds: 5 },
    ({ cluster }) => freeze([cluster.primary.pid()!]),
    thaw,
  )
  .add(
    'the gateway that polls it cannot reach it',
    primary,
    ({ primaryCable }) => {
      primaryCable.bandwidth(0);
    },
    ({ primaryCable }) => openLine(primaryCable),
  )
  .add(
    'it is idle',
    { holdSeconds: 6 },
    ({ commits }) => commits.stop(),
    ({ commits }) => commits.start(),
  )
  .add(
    'it commits asynchronously, flushing every 2 s',
    { holdSeconds: 7 },
    ({ cluster }) =>
      cluster.primary.setting('synchronous_commit', 'off').setting('wal_writer_delay', '2s').reload(),
    ({ cluster }) =>
      cluster.primary.setting('synchronous_commit', null).setting('wal_writer_delay', null).reload(),
  )
  .add(
    'it switches its WAL file and makes a checkpoint, again and again',
    {},
    (rig) => repeat(2, () => onPrimary(rig, 'select pg_switch_wal(); checkpoint')),
    stopRepeating,
  )
  .add(
    'it gets more workers than the standbys allow, and both pause',
    { isSpared: false, holdSeconds: 5, shows: 'primary' },
    async ({ cluster }) => {
      await cluster.primary.setting('max_worker_processes', '20').stop('fast');
      await cluster.primary.start();
    },
    async (rig) => {
      for (const { node } of both(rig)) {
        await node.setting('max_worker_processes', '20').stop('fast');
        await node.start();
      }
    },
  );

const all = new Group('Both standbys')
  .add(
    'they are stopped, and started after 4 s',
    { isSpared: false, shows: 'replica-1', holdSeconds: 4 },
    (rig) => Promise.all(both(rig).map(({ node }) => node.stop('fast'))),
    (rig) => Promise.all(both(rig).map(({ node }) => node.start())),
  )
  .add(
    'they are frozen for 1.5 s',
    { isSpared: false, holdSeconds: 1.5 },
    async (rig) => freeze((await Promise.all(both(rig).map(({ node }) => processesOf(node)))).flat()),
    thaw,
  )
  .add(
    'their links to the primary are cut without a word',
    { holdSeconds: 6, shows: 'replica-1' },
    (rig) => both(rig).map(({ upstream }) => upstream.bandwidth(0)),
    (rig) => both(rig).map(({ upstream }) => openLine(upstream)),
  )
  .add(
    'their replay is paused',
    { shows: 'replica-1' },
    (rig) => Promise.all(both(rig).map(({ url }) => run(url, 'select pg_wal_replay_pause()'))),
    (rig) => Promise.all(both(rig).map(({ url }) => run(url, 'select pg_wal_replay_resume()'))),
  )
  .add('they are restarted one after the other', { holdSeconds: 4 }, async (rig) => {
    for (const { node } of both(rig)) {
      await node.stop('fast');
      await node.start();
      await delay(2500);
    }
  })
  .add('they crash in turn, twelve times', { holdSeconds: 8 }, async (rig) => {
    for (let time = 0; time < 12; time++) {
      const { node } = rig.standbys[time % 2]!;
      await node.kill('SIGKILL');
      await node.start();
      await delay(600);
    }
  })
  .add(
    'the link of one to its primary is cut, and the other one is frozen',
    { isSpared: false, holdSeconds: 5 },
    async (rig) => {
      first(rig).upstream.bandwidth(0);
      await freeze(processesOf(rig.standbys[1].node));
    },
    (rig) => {
      thaw();
      openLine(first(rig).upstream);
    },
  );

const gateways = new Group('A gateway')
  .add(
    'the one without PRIMARY_URL is frozen for 3 s',
    { holdSeconds: 3, freezesGateway: 1 },
    ({ gateways: [one] }) => one.kill('SIGSTOP'),
    ({ gateways: [one] }) => one.kill('SIGCONT'),
  )
  .add(
    'the one with PRIMARY_URL is frozen for 8 s',
    { holdSeconds: 8, freezesGateway: 2 },
    ({ gateways: [, other] }) => other.kill('SIGSTOP'),
    ({ gateways: [, other] }) => other.kill('SIGCONT'),
  )
  .add(
    'it is frozen for 6 s while a standby is stopped',
    { holdSeconds: 6, freezesGateway: 2 },
    async (rig) => {
      rig.gateways[1].kill('SIGSTOP');
      await first(rig).node.stop('fast');
    },
    async (rig) => {
      rig.gateways[1].kill('SIGCONT');
      await first(rig).node.start();
    },
  );

/** Each begins with everything well, and ends so. */
export const faults: readonly Fault[] = [
  servers,
  replay,
  upstream,
  downstream,
  primaries,
  all,
  gateways,
].flatMap((group) => group.faults);

/** A few that are quick and unlike one another, for the default suite. */
export const shortFaults: readonly Fault[] = faults
  .filter(({ group, name }) =>
    [
      'A standby: it is frozen with all its processes',
      'Replay on a standby: it is paused',
      'The link from the gateways to a standby: connections that are there swallow everything, new ones work',
      'The primary: it is restarted at once',
    ].includes(`${group}: ${name}`),
  )
  .map((fault) => ({ ...fault, holdSeconds: Math.min(fault.holdSeconds, 4) }));
