import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReplicas } from '../../src/replicas/replicas.ts';
import { anXdr } from '../support/builders.ts';
import { doctor } from '../support/doctor.ts';
import { createTestGateway } from '../support/gateway.ts';
import { hasPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { eventually } from './eventually.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr({ i_xdr: '1' }), anXdr({ i_xdr: '2' })]);
});
afterAll(() => database[Symbol.asyncDispose]());

const pooler = (poolMode: 'transaction' | 'session', poolSize = 8): Promise<PgBouncer> =>
  startPgBouncer({ url: database.replicaUrls[0]!, poolMode, poolSize });

const REFUSAL = /lends a session for one transaction.*pool_mode = session/;

describe.skipIf(!hasPgBouncer)('a standby behind PgBouncer', () => {
  test.each([1, 8])(
    'is refused where it pools transactions over %i sessions, and says why',
    async (poolSize) => {
      await using bouncer = await pooler('transaction', poolSize);
      const replicas = createReplicas({ replicaUrls: [bouncer.url], poolSize: 4, pollIntervalSeconds: 0.1 });
      try {
        await replicas.firstLook;
        await eventually(() => replicas.snapshot().replicas[0]).toMatchObject({
          status: 'UNREACHABLE',
          reason: expect.stringMatching(REFUSAL),
        });
        await expect(replicas.choose()).rejects.toMatchObject({ code: 'NO_REPLICA_AVAILABLE' });
      } finally {
        await replicas.close();
      }
    },
  );

  test('is never read from where it pools transactions, another standby being well', async () => {
    await using transactions = await pooler('transaction');
    const replicaUrls = [`${transactions.url}#bouncer`];
    await using gateway = await createTestGateway({
      replicaUrls: [database.replicaUrls[0]!, ...replicaUrls],
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => gateway.query('{ cdrs { nodes { id } } }')),
    );
    expect(new Set(answers.map(({ extensions }) => extensions.replica.name))).toEqual(new Set(['replica-1']));
  });

  test('answers where it pools sessions, read-only, in UTC and within the time allowed', async () => {
    await database.pool.query(
      `alter role gateway in database ${database.name} set "TimeZone" = 'Asia/Tokyo'`,
    );
    await database.pool.query(
      `alter role gateway in database ${database.name} set default_transaction_read_only = off`,
    );
    await database.replayed();
    await using bouncer = await pooler('session');
    const tuning = { statementTimeoutSeconds: 7 };
    await using gateway = await createTestGateway({ replicaUrls: [bouncer.url] }, { tuning });
    const { data, errors } = await gateway.query(
      '{ cdrs(orderBy: OLDEST_FIRST) { nodes { id } } cdrStats { totals { attempts } } }',
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      cdrs: { nodes: [{ id: '1' }, { id: '2' }] },
      cdrStats: { totals: { attempts: 2 } },
    });
    const replica = await gateway.replicas.choose();
    const { rows } = await replica.pool.query(
      `select current_setting('TimeZone') as zone, current_setting('statement_timeout') as timeout,
        current_setting('default_transaction_read_only') as "readOnly", current_setting('plan_cache_mode') as plans`,
    );
    replica.release();
    expect(rows).toEqual([{ zone: 'UTC', timeout: '7s', readOnly: 'on', plans: 'force_custom_plan' }]);
  });

  test('is a problem to the doctor where it pools transactions, and a warning where it pools sessions', async () => {
    const lines: string[] = [];
    {
      await using bouncer = await pooler('transaction');
      expect(await doctor([bouncer.url], 'xdrs', (line) => lines.push(line))).toBe(2);
      expect(lines).toContainEqual(expect.stringMatching(REFUSAL));
    }
    await using bouncer = await pooler('session');
    expect(await doctor([bouncer.url], 'xdrs', (line) => lines.push(line))).toBe(1);
    expect(lines.join('\n')).toMatch(/warning: .*through a pooler/);
  });
});
