import { spawnSync } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type BackupSite,
  hasPgBackRest,
  openBackupSite,
  pgBackRestNote,
  runCommand,
} from '../support/backup-site.ts';
import { connect } from '../support/database-urls.ts';

/** Nobody listens there. */
const AWAY = ['=127.0.0.3', '-type=tls', '-port=1', '-ca-file=CA', '-cert-file=CERT', '-key-file=KEY']
  .map((option) => `repo1-host${option}`)
  .join('\n');

let site: BackupSite;
/** Of run and drill. */
let own: readonly string[];
let environment: Readonly<Record<string, string>>;

/** Calls of ten days, all of which are over. */
const DAYS = 10;
const insertCalls = (count: number, when: string) =>
  site.cluster.pool.query(`
    insert into xdrs (i_account, i_customer, cli, cld, setup_time, connect_time, disconnect_time, duration, charged_amount)
    select 14, 3, '3312345' || n % 100, '4420' || n, at, at, at + interval '1 minute', n % 60, n * 0.0001
    from (select n, ${when} as at from generate_series(1, ${count}) n) calls`);

async function metric(name: string): Promise<number | undefined> {
  const files = await readdir(site.metrics);
  const text = (await Promise.all(files.map((file) => readFile(join(site.metrics, file), 'utf8')))).join(
    '\n',
  );
  const value = new RegExp(`^${name}\\{stanza="sippy"\\} (\\S+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

const now = () => Date.now() / 1000;
const count = async (url: string) => {
  const client = await connect(url);
  try {
    const { rows } = await client.query(
      'select count(*)::int as calls, sum(charged_amount)::text as amount from xdrs',
    );
    return rows[0] as { calls: number; amount: string };
  } finally {
    await client.end();
  }
};

/** Everything the primary has committed so far is in the archive. */
async function archived(): Promise<void> {
  const { rows } = await site.cluster.pool.query('select pg_walfile_name(pg_switch_wal()) as name');
  for (;;) {
    const { rows: found } = await site.cluster.pool.query(
      'select last_archived_wal >= $1 as done from pg_stat_archiver',
      [rows[0].name],
    );
    if (found[0].done) return;
  }
}

describe.skipIf(!hasPgBackRest)(`backups${pgBackRestNote}`, () => {
  beforeAll(async () => {
    site = await openBackupSite();
    own = ['--config', site.config, '--metrics', site.metrics];
    environment = { REPLICA_URLS: `${site.cluster.replicaUrls[0]!}#db-2` };
    await insertCalls(
      2000,
      `date_trunc('day', now()) - interval '${DAYS + 2} days' + n * interval '7 minutes'`,
    );
    await site.cluster.replayed();
    await site.pgbackrest('stanza-create');
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('pgBackRest finds what the plan says, over TLS both ways', async () => {
    await site.pgbackrest('check');
  });

  test('the first is full, from the standby, and known to the metrics', async () => {
    const { code, stdout, stderr } = await site.command(['backup', 'run', ...own]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^\d{8}-\d{6}F \(full\): [\d.]+ MB, of which [\d.]+ MB were added, in [\d.]+ s\.\n$/,
    );
    expect(await metric('gateway_backup_last_success_timestamp_seconds')).toBeGreaterThan(now() - 60);
    expect(await metric('gateway_backup_last_run_success')).toBe(1);
  });

  test('the next has what has changed since', async () => {
    await insertCalls(100, "now() - interval '1 hour' - n * interval '1 second'");
    const { code, stdout } = await site.command(['backup', 'run', ...own]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d{8}-\d{6}F_\d{8}-\d{6}I \(incr\)/);
    const listed = await site.command(['backup', 'status', '--config', site.config, '--json']);
    expect(listed.code).toBe(0);
    const { backups, archive, reasons } = JSON.parse(listed.stdout);
    expect(backups.map(({ type }: { type: string }) => type)).toEqual(['full', 'incr']);
    expect(backups[1].addedBytes).toBeLessThan(backups[0].addedBytes);
    expect(archive.newest > archive.oldest).toBe(true);
    expect(reasons).toEqual([]);
  });

  test('a drill restores it, finds every day as it is on the standby, and leaves nothing behind', async () => {
    const scratch = site.path('scratch');
    const { code, stdout, stderr } = await site.command(
      ['backup', 'drill', ...own, '--scratch', scratch],
      environment,
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Tables and indexes are sound /m);
    expect(stdout).toMatch(
      new RegExp(
        `2100 calls in calls\\. Of (${DAYS}|${DAYS + 1}) days \\1 are the same on db-2: calls, seconds, amounts and every column\\.`,
      ),
    );
    expect(stdout).toMatch(/^Verified, and thrown away\.$/m);
    expect(await readdir(scratch)).toEqual([]);
    expect(await metric('gateway_backup_last_verified_restore_timestamp_seconds')).toBeGreaterThan(
      now() - 60,
    );
    expect(await metric('gateway_backup_last_drill_calls')).toBe(2100);
  });

  test('a column that differs, damage in an index, and a day that is gone are found, and what was verified stays so', async () => {
    const verified = await metric('gateway_backup_last_verified_restore_timestamp_seconds');
    const { pool } = site.cluster;
    const { rows } = await pool
      .query(`create table damaged as select n from generate_series(1, 1000) n;
      create index damaged_idx on damaged (n); checkpoint;
      select pg_relation_filepath('damaged_idx') as path`)
      .then((results) => (results as never as { rows: { path: string }[] }[])[3]!);
    await site.cluster.replayed();
    const [standby] = site.cluster.cluster.replicas;
    await standby!.stop();
    const file = await open(join(standby!.dataDir, rows[0]!.path), 'r+');
    await file.write(Buffer.alloc(400, 7), 0, 400, 8192 + 5000);
    await file.close();
    await standby!.start();
    const taken = await site.command(['backup', 'run', ...own]);
    expect(taken.code, taken.stderr).toBe(0);
    await pool.query('drop table damaged');
    await pool.query(`update xdrs set user_agent = 'another' where i_xdr = 5`);
    await pool.query(`delete from xdrs where i_xdr between 700 and 710`);
    await site.cluster.replayed();

    const { code, stdout } = await site.command(
      ['backup', 'drill', ...own, '--to', 'consistent', '--scratch', site.path('scratch')],
      environment,
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^pg_amcheck found damage: .*damaged_idx/m);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d differs: .* Other columns differ\.$/m);
    expect(stdout).toMatch(
      /^\d{4}-\d\d-\d\d differs: restored \d+ calls, .*; db-2 has \d+ calls, .* charged\.$/m,
    );
    expect(stdout).toMatch(/^Not verified\. It was thrown away\.$/m);
    expect(await metric('gateway_backup_last_drill_success')).toBe(0);
    expect(await metric('gateway_backup_last_verified_restore_timestamp_seconds')).toBe(verified);
  });

  test('a restore ends right before a mistake, by LSN and by time', async () => {
    const { pool } = site.cluster;
    const before = await count(site.cluster.primaryUrl);
    const { rows } = await pool.query('select pg_current_wal_insert_lsn() as lsn, now() as time');
    await pool.query('delete from xdrs where i_xdr % 2 = 0');
    await archived();

    const into = site.path('restored');
    const { code, stdout } = await site.command(
      ['restore', '--into', into, '--to', rows[0].lsn, '--config', site.config],
      environment,
    );
    expect(stdout).toMatch(/differs: restored/);
    expect(code).toBe(1);
    const server = await site.start(into);
    expect(await count(server.url('calls'))).toEqual(before);
    await server.stop();
    await rm(into, { recursive: true });

    const again = await site.command([
      'restore',
      '--into',
      into,
      '--to',
      rows[0].time,
      '--config',
      site.config,
      '--json',
    ]);
    expect(again.code, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      calls: String(before.calls),
      database: 'calls',
      comparison: null,
    });
    await rm(into, { recursive: true });
  });

  describe('what cannot be done is said in a sentence, and nothing is touched', () => {
    const restore = (...args: readonly string[]) =>
      site.command(['restore', '--config', site.config, ...args]);

    test.each([
      [
        'a directory in use',
        () => site.cluster.cluster.primary.dataDir,
        /is in use: a server runs on it.*\(process \d+\)/,
      ],
      ['one that is not empty', () => site.path('state'), /is not empty/],
      ['a file', () => site.config, /is a file, not a directory/],
    ])('into %s', async (_, into, message) => {
      const { code, stderr } = await restore('--into', into());
      expect(stderr).toMatch(message);
      expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
    });

    test.each([
      [
        '2001-01-01T00:00:00Z',
        /There is no backup from before 2001-01-01 00:00:00\+00: the oldest was complete at/,
      ],
      ['0/10', /There is no backup from before 0\/10/],
      ['2037-01-01T00:00:00Z', /2037-01-01 00:00:00\+00 is in the future/],
      ['FF/0', /The archive ends before that target/],
    ])('to %s', async (to, message) => {
      const into = site.path('nowhere');
      const { code, stderr } = await restore('--into', into, '--to', to);
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
      await rm(into, { recursive: true, force: true });
      await rm(`${into}.tablespaces`, { recursive: true, force: true });
    });

    test('to what is no target, and into no directory', async () => {
      const wrong = await restore('--into', site.path('nowhere'), '--to', 'yesterday');
      expect([wrong.code, wrong.stderr]).toEqual([
        3,
        expect.stringMatching(/--to: expected a time with its zone/),
      ]);
      const missing = await restore();
      expect([missing.code, missing.stderr]).toEqual([3, expect.stringMatching(/--into: .* is missing/)]);
    });

    test('of a backup that there is not', async () => {
      const { code, stderr } = await restore('--into', site.path('nowhere'), '--set', '20200101-000000F');
      expect(stderr).toMatch(
        /^There is no backup 20200101-000000F; the newest is \d{8}-\d{6}F_\d{8}-\d{6}I\.\n$/,
      );
      expect(code).toBe(2);
    });

    test.each([
      ['another passphrase', [/repo1-cipher-pass=.*/, 'repo1-cipher-pass=wrong'], /cannot be decrypted/],
      [
        'a repository that is not there',
        [/repo1-path=.*/, 'repo1-path=/nowhere/at/all'],
        /not there, or has never been set up/,
      ],
      ['a stanza that is not there', [/\[sippy\]/, '[other]'], /not there, or has never been set up/],
      ['a repository on a host that is away', [/repo1-path=.*/, AWAY], /It cannot be reached\./],
    ] as const)('with %s', async (_, [pattern, replacement], message) => {
      const own = await readFile(site.config, 'utf8');
      const place = site.path('certificates/standby');
      const text = own
        .replace(pattern, replacement)
        .replace('=CA\n', `=${place}/ca.crt\n`)
        .replace('=CERT\n', `=${place}/server.crt\n`)
        .replace('=KEY\n', `=${place}/server.key\nio-timeout=1\n`);
      const config = await site.write('bad.conf', text);
      const all = [
        ['backup', 'status'],
        ['backup', 'run'],
        ['restore', '--into', site.path('nowhere')],
      ];
      const results = await Promise.all(all.map((args) => site.command([...args, '--config', config])));
      for (const { code, stderr } of results) {
        expect(stderr).toMatch(message);
        expect(code).toBe(2);
      }
    });

    test('without a configuration, and with one that names no or several stanzas', async () => {
      const say = async (config: string) =>
        (await site.command(['backup', 'status', '--config', config])).stderr;
      expect(await say('/nowhere.conf')).toMatch(/is not there: "cdr-gateway backup plan" prints it/);
      expect(await say(await site.write('none.conf', '[global]\nrepo1-path=/x\n'))).toMatch(/it has none/);
      expect(await say(await site.write('two.conf', '[a]\n[b]\n'))).toMatch(/it has a, b\./);
    });

    test('to a disk that is full', async (context) => {
      const place = site.path('small');
      await mkdir(place);
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=777', 'tmpfs', place]).status !== 0) {
        return context.skip();
      }
      try {
        const own = await readFile(site.config, 'utf8');
        const text = own.replace(/repo1-path=.*/, `repo1-path=${place}/repository\narchive-check=n`);
        const config = await site.write('small.conf', text.replace('[global]', '[global]\njob-retry=0'));
        await site.pgbackrest('stanza-create', `--config=${config}`);
        const { code, stderr } = await site.command(['backup', 'run', '--config', config]);
        expect(stderr).toMatch(
          /^(There is no space left where it writes|It cannot write there: no space is left, or the disk fails)\./,
        );
        expect(code).toBe(2);
      } finally {
        spawnSync('umount', [place]);
      }
    });

    test('of a cluster that is not this one', async () => {
      const other = await site.initialise('other');
      const text = (await readFile(site.config, 'utf8'))
        .replace(/pg1-(host|port|socket).*\n/g, '')
        .replace(/pg2-.*\n/g, '');
      const config = await site.write(
        'other.conf',
        text
          .replace(
            /pg1-path=.*/,
            `pg1-path=${other.dataDir}\npg1-port=${other.port}\npg1-socket-path=${other.socketDir}`,
          )
          .replace('backup-standby=y', ''),
      );
      const { code, stderr } = await site.command(['backup', 'run', '--config', config]);
      await other.stop();
      expect(stderr).toMatch(/is of another cluster than this one/);
      expect(code).toBe(2);
    });

    test('with a backup of which a file is only half there', async () => {
      const [full] = (await readdir(join(site.repository, 'backup/sippy'))).filter((name) =>
        name.endsWith('F'),
      );
      const damaged = join(site.repository, 'backup/sippy', full!, 'pg_data/base/1/1255.zst');
      const whole = await readFile(damaged);
      await writeFile(damaged, whole.subarray(0, whole.length / 2));
      const text = await readFile(site.config, 'utf8');
      const config = await site.write('once.conf', text.replace('[global]', '[global]\njob-retry=0'));
      const flags = ['--into', site.path('nowhere'), '--set', full!, '--to', 'consistent'];
      const { code, stderr } = await site.command(['restore', '--config', config, ...flags]);
      await writeFile(damaged, whole);
      await rm(site.path('nowhere'), { recursive: true, force: true });
      expect(stderr).toMatch(/A file of the backup is damaged, or only half of it was written\./);
      expect(code).toBe(2);
    });

    test('by root, which would leave files that nobody else can write', async (context) => {
      if (process.getuid?.() !== 0) return context.skip();
      const { code, stderr } = await runCommand(['backup', 'run', '--config', site.config], {
        PATH: process.env.PATH!,
      });
      expect([code, stderr]).toEqual([
        2,
        'Run it as the user that the databases belong to: sudo -u postgres cdr-gateway …\n',
      ]);
    });
  });

  test('both hosts are gone: the archive and its passphrase bring everything back', async () => {
    await insertCalls(50, 'now()');
    await archived();
    const before = await count(site.cluster.primaryUrl);
    const kept = await readFile(site.config, 'utf8');
    await site.loseHosts();

    const config = await site.write('kept.conf', kept);
    const into = site.path('new-primary');
    const { code, stdout, stderr } = await site.command(['restore', '--into', into, '--config', config]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      new RegExp(`^${before.calls} calls in calls\\. Nothing to compare them with\\.$`, 'm'),
    );
    const server = await site.start(into);
    try {
      expect(await count(server.url('calls'))).toEqual(before);
      const client = await connect(server.url('calls'));
      const { rows } =
        await client.query(`insert into xdrs (i_account, i_customer, cli, cld, setup_time, connect_time, disconnect_time)
        values (14, 3, '1', '2', now(), now(), now()) returning current_setting('archive_mode') as archiving, current_setting('restore_command') as fetching`);
      expect(rows).toEqual([{ archiving: 'off', fetching: '' }]);
      await client.end();
    } finally {
      await server.stop();
    }
  });
});
