import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { anXdr } from '../support/builders.ts';
import { makeStandbyOf, promote } from '../support/change-roles.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { on, type ServedGateway, serveGateway, until } from './served-gateway.ts';

/** Positions that clients took before a planned switch-over, at gateways that lived through it and at later ones. */
const stack = new AsyncDisposableStack();
let database: TestCluster;
let nodes: readonly [PostgresNode, PostgresNode, PostgresNode];

const FUNCTION = 'cdr_gateway.timeline_history()';
const PAGE = `query ($after: String) {
  cdrs(orderBy: OLDEST_FIRST, first: 2, after: $after) { nodes { id } pageInfo { endCursor } }
}`;

interface Taken {
  /** Of a list whose next page begins with call 3. */
  readonly cursor: string;
  readonly token: string;
}

const superuserUrl = (node: PostgresNode) => node.url({ database: database.name });

/** As the gateway's role. */
function urlOf(node: PostgresNode): string {
  const url = new URL(database.replicaUrls[0]!);
  url.port = String(node.port);
  return `${url.href}#${node.name}`;
}

const serve = (settings: Record<string, string> = {}, among: readonly PostgresNode[] = nodes) =>
  serveGateway({ replicaUrls: among.map(urlOf) }, { POLL_INTERVAL: '0.1', ...settings });

async function take(gateway: ServedGateway): Promise<Taken> {
  const { data, extensions } = await gateway.query(PAGE);
  return { cursor: data.cdrs.pageInfo.endCursor, token: extensions.replica.token };
}

/** What a client gets who goes on with both: the ids of the next page, the standby, or the code of the refusal. */
async function goOn(gateway: ServedGateway, { cursor, token }: Taken) {
  const headers = { 'x-read-after': token };
  const { data, errors, extensions } = await gateway.query(PAGE, { after: cursor }, { headers });
  return errors
    ? { code: errors[0]!.extensions.code, retryable: errors[0]!.extensions.retryable }
    : {
        ids: data.cdrs.nodes.map(({ id }: { id: string }) => id),
        by: extensions.replica.name,
        token: extensions.replica.token as string,
      };
}

/** Resolves when the standbys follow the primary to its timeline, and have what it has. */
async function followed(primary: PostgresNode, ...standbys: readonly PostgresNode[]): Promise<void> {
  const [row] = await on(superuserUrl(primary), 'select pg_current_wal_flush_lsn()::text as lsn');
  for (const standby of standbys) {
    await until(`${standby.name} behind ${primary.name}`, async () => {
      const [state] = await on(
        superuserUrl(standby),
        `select pg_last_wal_replay_lsn() >= $1::pg_lsn and exists (select from pg_stat_wal_receiver) as done`,
        [row!.lsn],
      ).catch(() => [{ done: false }]);
      return state!.done as boolean;
    });
  }
}

/** The old primary is stopped, all follow the new one, and there is one more call. */
async function switchOver(from: PostgresNode, to: PostgresNode, newCall: string): Promise<void> {
  await promote(to, { stopping: from });
  const others = nodes.filter((node) => node !== to);
  for (const other of others) await makeStandbyOf(to, other);
  await on(
    superuserUrl(to),
    `insert into xdrs (i_xdr, i_account, connect_time) values ($1, 14, '2026-02-01T00:00:00Z')`,
    [newCall],
  );
  await followed(to, ...others);
}

async function allow(primary: PostgresNode, isAllowed: boolean): Promise<void> {
  const change = isAllowed
    ? `grant execute on function ${FUNCTION} to`
    : `revoke execute on function ${FUNCTION} from`;
  await on(superuserUrl(primary), `${change} gateway_reader`);
}

let lived: ServedGateway;
let livedInformed: ServedGateway;
let taken: Taken;
let takenAfterTheFirst: Taken;

beforeAll(async () => {
  database = stack.use(await startTestCluster({ replicas: 2 }));
  const { primary, replicas } = database.cluster;
  nodes = [primary, replicas[0]!, replicas[1]!];
  await database.insertXdrs(['1', '2', '3', '4'].map((i_xdr) => anXdr({ i_xdr, i_account: '14' })));
  // As where nobody could make the function.
  await allow(primary, false);
  await database.replayed();
  lived = stack.use(await serve());
  livedInformed = stack.use(await serve({ PRIMARY_URL: nodes.map(urlOf).join(',') }));
  taken = await take(lived);
  await switchOver(nodes[0], nodes[1], '5');
});
afterAll(() => stack.disposeAsync());

const NEXT = ['3', '4'];

describe('a cursor and a token from before a planned switch-over', () => {
  test('go on at gateways that lived through it, on the standbys that follow', async () => {
    for (const gateway of [lived, livedInformed]) {
      expect(await goOn(gateway, taken)).toMatchObject({
        ids: NEXT,
        by: expect.not.stringMatching(nodes[1].name),
      });
    }
    takenAfterTheFirst = await take(lived);
  });

  test('are refused for good by one that was started later, cannot know, and says so; until a client tells it', async () => {
    await using later = await serve();
    expect(await goOn(later, taken)).toEqual({ code: 'POSITION_LOST', retryable: false });
    expect(await goOn(later, takenAfterTheFirst)).toMatchObject({ ids: NEXT });
    expect(await goOn(later, taken)).toMatchObject({ ids: NEXT });
  });

  test('go on at one that was started later and may read the history', async () => {
    await allow(nodes[1], true);
    await followed(nodes[1], nodes[0], nodes[2]);
    await using later = await serve();
    expect(await goOn(later, taken)).toMatchObject({ ids: NEXT });
  });

  test('go on at the promoted server itself, whose answer no standby then falls behind', async () => {
    const [, promoted, follower] = nodes;
    const primary = { PRIMARY_URL: urlOf(promoted), READ_FROM_PRIMARY: 'true' };
    await using gateway = await serve(primary, [promoted]);
    await on(superuserUrl(follower), 'select pg_wal_replay_pause()');
    // Read before it is flushed, which no poll can have seen.
    await on(
      superuserUrl(promoted),
      `begin; set local synchronous_commit = off;
       insert into xdrs (i_xdr, i_account, connect_time) values (6, 14, '2026-02-02T00:00:00Z'); commit`,
    );
    const answer = await goOn(gateway, taken);
    expect(answer).toMatchObject({ ids: NEXT, by: promoted.name });
    await using elsewhere = await serve({ READ_AFTER_WAIT: '0.3' }, [follower]);
    const readAfter = () =>
      elsewhere.query(
        '{ cdrs(first: 1) { nodes { id } } }',
        {},
        { headers: { 'x-read-after': answer.token! } },
      );
    expect((await readAfter()).errors).toMatchObject([{ extensions: { code: 'REPLICA_TOO_STALE' } }]);
    await on(superuserUrl(follower), 'select pg_wal_replay_resume()');
    await followed(promoted, follower);
    expect((await readAfter()).data.cdrs.nodes).toEqual([{ id: '6' }]);
  });

  test('go on at the primary from its own answers, however long ago it was polled', async () => {
    const [, promoted] = nodes;
    const primary = { PRIMARY_URL: urlOf(promoted), READ_FROM_PRIMARY: 'true' };
    await using gateway = await serve({ ...primary, POLL_INTERVAL: '60' }, [promoted]);
    const first = await goOn(gateway, taken);
    await on(
      superuserUrl(promoted),
      `insert into xdrs (i_xdr, i_account, connect_time) values (8, 14, '2026-02-04T00:00:00Z')`,
    );
    const second = await goOn(gateway, { ...taken, token: first.token! });
    expect(second.token).not.toBe(first.token);
    expect(await goOn(gateway, { ...taken, token: second.token! })).toMatchObject({ by: promoted.name });
  });

  test('go on after a second switch-over back, on the server that had been promoted, at new and old gateways', async () => {
    await switchOver(nodes[1], nodes[0], '7');
    await using later = await serve();
    await using onPromoted = await serve({}, [nodes[1]]);
    for (const gateway of [later, onPromoted, lived, livedInformed]) {
      for (const position of [taken, takenAfterTheFirst]) {
        expect(await goOn(gateway, position)).toMatchObject({ ids: NEXT });
      }
    }
    expect(await goOn(onPromoted, taken)).toMatchObject({ by: nodes[1].name });
  });
});
