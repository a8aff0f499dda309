import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startCluster } from '../../src/demo/cluster.ts';
import { findServerAccount } from '../../src/demo/server-account.ts';
import { on } from '../gateway/served-gateway.ts';

const PG_REWIND = '/usr/lib/postgresql/15/bin/pg_rewind';
const hasRewind = existsSync(PG_REWIND);
const note = hasRewind ? '' : ' (skipped: apt-get install postgresql-15)';

/** What docs/postgresql.md says to run on the new primary. */
const grants = /-- on db-2, the new primary\n([\s\S]*?)```/.exec(
  readFileSync('docs/postgresql.md', 'utf8'),
)![1]!;

test.skipIf(!hasRewind)(
  `an old primary that wrote what nobody received is rewound by a role of its own${note}`,
  async () => {
    await using cluster = await startCluster({
      major: 15,
      replicas: 1,
      settings: { wal_log_hints: 'on', wal_keep_size: '64MB' },
    });
    const { primary: old, replicas } = cluster;
    const next = replicas[0]!;
    await on(old.url(), 'create table calls as select generate_series(1, 1000) as id');
    const { lsn } = (await on(old.url(), 'select pg_current_wal_lsn()::text as lsn'))[0]!;
    await expect
      .poll(
        async () =>
          (await on(next.url(), 'select pg_last_wal_replay_lsn() >= $1::pg_lsn as there', [lsn]))[0],
      )
      .toEqual({ there: true });
    await on(next.url(), 'select pg_promote()');
    await on(old.url(), 'insert into calls values (-1)');
    await on(next.url(), 'insert into calls values (1001)');
    await old.stop('fast');

    for (const statement of grants
      .replace(/^\s*\\password .*$/m, "alter role rewind password 'secret';")
      .split(/;\n/)) {
      if (statement.trim()) await on(next.url(), statement);
    }
    await promisify(execFile)(
      PG_REWIND,
      [
        ...['--target-pgdata', old.dataDir],
        ...['--source-server', `host=127.0.0.1 port=${next.port} user=rewind dbname=postgres`],
        '--write-recovery-conf',
      ],
      { ...findServerAccount(), cwd: '/', env: { PGPASSWORD: 'secret' } },
    );
    // The last line wins, as the page says of what was copied.
    await appendFile(
      join(old.dataDir, 'postgresql.auto.conf'),
      `primary_conninfo = '${next.url()}'\nprimary_slot_name = ''\n`,
    );
    await old.start();

    expect(await on(old.url(), 'select pg_is_in_recovery() as is_standby')).toEqual([{ is_standby: true }]);
    const newest = () => on(old.url(), 'select min(id), max(id) from calls');
    await expect.poll(newest).toEqual([{ min: 1, max: 1001 }]);
    await on(next.url(), 'insert into calls values (1002)');
    await expect.poll(newest).toEqual([{ min: 1, max: 1002 }]);
  },
);
