import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printPlan } from '../../src/cli/backup-plan.ts';
import { findFreePort } from '../../src/demo/ports.ts';
import { type BackupSite, hasPgBackRest, openBackupSite, pgBackRestNote } from '../support/backup-site.ts';
import { type S3Store, startS3 } from '../support/s3-server.ts';

let store: S3Store;
let site: BackupSite;
let environment: Readonly<Record<string, string>>;
const CALLS = 500;

const commandOf = (config: string) => (args: readonly string[]) =>
  site.command([...args, '--config', config], environment);
const ownConfig = () => readFile(site.config, 'utf8');
const passphraseOf = (text: string) => /^repo1-cipher-pass=(.+)$/m.exec(text)![1]!;

describe.skipIf(!hasPgBackRest)(`backups in a bucket${pgBackRestNote}`, () => {
  beforeAll(async () => {
    store = await startS3();
    site = await openBackupSite(store);
    environment = { REPLICA_URLS: `${site.cluster.replicaUrls[0]!}#db-2` };
    await site.cluster.pool.query(`
      insert into xdrs (i_account, i_customer, cli, cld, setup_time, connect_time, disconnect_time, duration, charged_amount)
      select 14, 3, '33123', '4420' || n, at, at, at + interval '1 minute', n % 60, n * 0.0001
      from (select n, now() - interval '3 days' + n * interval '1 minute' as at from generate_series(1, ${CALLS}) n) calls`);
    await site.cluster.replayed();
    await site.pgbackrest('stanza-create');
  });
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    await store?.[Symbol.asyncDispose]();
  });

  test('a backup, what there is, and a drill, with the archive that the primary writes there itself', async () => {
    const own = commandOf(site.config);
    await site.pgbackrest('check');
    const taken = await own(['backup', 'run']);
    expect([taken.code, taken.stderr]).toEqual([0, '']);
    expect(taken.stdout).toMatch(/^\d{8}-\d{6}F \(full\)/);
    const listed = await own(['backup', 'status']);
    expect([listed.code, listed.stdout]).toEqual([
      0,
      expect.stringMatching(/F +full complete .*\nArchive: /s),
    ]);
    const drilled = await own(['backup', 'drill', '--scratch', site.path('scratch')]);
    expect([drilled.code, drilled.stderr]).toEqual([0, '']);
    expect(drilled.stdout).toMatch(new RegExp(`^${CALLS} calls in calls\\.`, 'm'));
    expect(drilled.stdout).toMatch(/^Verified, and thrown away\.$/m);
  });

  test('nothing is in the bucket as it is in the database', async () => {
    const files = await readdir(store.directory, { recursive: true, withFileTypes: true });
    const objects = files.filter((entry) => entry.isFile());
    const texts = await Promise.all(
      objects.map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
    );
    expect(objects.length).toBeGreaterThan(5);
    expect(texts.filter((text) => /PG_VERSION|\[backrest\]|db-catalog-version/.test(text))).toEqual([]);
  });

  describe('what cannot be done is one sentence without a secret, and exit code 2', () => {
    async function refuse(change: (text: string) => string, message: RegExp): Promise<void> {
      const text = await ownConfig();
      const config = await site.write('bad.conf', change(text).replace('[global]', '[global]\nio-timeout=1'));
      const { code, stdout, stderr } = await commandOf(config)(['backup', 'run']);
      expect(stderr).toMatch(message);
      expect([code, stdout, stderr.trim().split('\n').length]).toEqual([2, '', 1]);
      for (const secret of [passphraseOf(text), 'wrong-secret']) expect(stderr).not.toContain(secret);
    }

    test('nobody listens', async () => {
      const port = await findFreePort();
      await refuse(
        (text) => text.replace(/repo1-storage-port=.*/, `repo1-storage-port=${port}`),
        /^It cannot be reached\./,
      );
    });

    test('an authority that the host does not know', () =>
      refuse(
        (text) => text.replace(/repo1-storage-ca-file=.*\n/, ''),
        /^Its certificate is not one that this host trusts: see repo1-storage-ca-file\./,
      ));

    test('a key that the store does not know', () =>
      refuse(
        (text) => text.replace(/repo1-s3-key=.*/, 'repo1-s3-key=another'),
        /^The object store refuses the keys/,
      ));

    test('a secret that is not the one of the key, where the right one is let in', async () => {
      const strict = (text: string) =>
        text.replace(/repo1-storage-port=.*/, `repo1-storage-port=${store.strictPort}`);
      const right = await site.write('strict.conf', strict(await ownConfig()));
      await site.pgbackrest(`--config=${right}`, 'repo-get', 'archive/sippy/archive.info');
      await refuse(
        (text) => strict(text).replace(/repo1-s3-key-secret=.*/, 'repo1-s3-key-secret=wrong-secret'),
        /^The object store refuses the keys/,
      );
    });

    test('a bucket that is not there', () =>
      refuse(
        (text) => text.replace(/repo1-s3-bucket=.*/, 'repo1-s3-bucket=elsewhere'),
        /^The bucket is not there/,
      ));

    test('a path of the bucket in which nothing was set up', () =>
      refuse(
        (text) => text.replace(/repo1-path=.*/, 'repo1-path=/elsewhere'),
        /^The repository is not there, or has never been set up/,
      ));

    test('another passphrase', () =>
      refuse(
        (text) => text.replace(/repo1-cipher-pass=.*/, 'repo1-cipher-pass=wrong'),
        /^The repository cannot be decrypted/,
      ));

    test('an object of which only half was written', async () => {
      const backups = join(store.directory, 'sippy/backup');
      const bundle = (await readdir(backups, { recursive: true })).find((name) =>
        /\/bundle\/1\b.*object$/.test(name),
      );
      const file = join(backups, bundle!);
      const whole = await readFile(file);
      await writeFile(file, whole.subarray(0, whole.length / 2));
      const config = await site.write(
        'once.conf',
        (await ownConfig()).replace('[global]', '[global]\njob-retry=0'),
      );
      const { code, stderr } = await commandOf(config)(['restore', '--into', site.path('half')]);
      await writeFile(file, whole);
      expect(stderr).toMatch(/A file of the backup is damaged, or only half of it was written\./);
      expect(code).toBe(2);
    });
  });
});

describe('the plan of backups in a bucket', () => {
  const host = { print: () => {}, printError: () => {}, signal: new AbortController().signal };
  const base = ['--primary', 'db-1', '--standby', 'db-2', '--repository'];
  const place = 's3://backups/sippy?endpoint=s3.example.net:9000&region=fr-par&ca=/etc/pgbackrest/s3-ca.crt';
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cdr-plan-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  test('the keys and the passphrase are in its files, and nowhere else', async () => {
    const keyFile = join(directory, 'keys');
    await writeFile(keyFile, 'AKIA-OF-A-TEST\nsecret-of-a-test\n', { mode: 0o600 });
    const printed: string[] = [];
    const options = ['--keys', keyFile, '--write', directory];
    const print = (line: string) => printed.push(line);
    expect(await printPlan([...base, place, ...options], { ...host, print })).toBe(0);
    const texts = await Promise.all(
      ['primary', 'standby'].map((name) => readFile(join(directory, name, 'pgbackrest.conf'), 'utf8')),
    );
    for (const text of texts) {
      expect(text).toMatch(
        /^repo1-s3-uri-style=path\nrepo1-s3-key=AKIA-OF-A-TEST\nrepo1-s3-key-secret=secret-of-a-test$/m,
      );
      expect(text).toMatch(/^repo1-storage-port=9000\nrepo1-storage-ca-file=\/etc\/pgbackrest\/s3-ca\.crt$/m);
      expect(printed.join('\n')).not.toContain(passphraseOf(text));
    }
    expect(printed.join('\n')).not.toMatch(/AKIA-OF-A-TEST|secret-of-a-test/);
    expect(printed.join('\n')).toMatch(/^repo1-s3-key-secret=\*\*\*$/m);
  });

  test.each([
    ['s3://id:secret@backups/sippy?endpoint=s3.example.net', /keys belong into the file of --keys/],
    ['s3://backups/sippy', /--repository: expected a directory/],
    ['s3://backups/sippy?endpoint=s3.example.net&stile=host', /--repository: expected a directory/],
    ['s3://backups/sippy?endpoint=s3.example.net&style=vhost', /--repository: expected a directory/],
  ])('%s is no repository', async (repository, message) => {
    await expect(printPlan([...base, repository], host)).rejects.toThrow(message);
  });

  test.each([
    ['one line', 'AKIA\n', 0o600, 'must have two lines, the key and its secret'],
    ['readable by others', 'AKIA\nSECRET\n', 0o644, 'may be read by others: chmod 600'],
  ])('a file of keys that is %s is refused', async (_, text, mode, reason) => {
    const file = join(directory, `keys-${mode}`);
    await writeFile(file, text, { mode });
    await expect(printPlan([...base, place, '--keys', file], host)).rejects.toThrow(
      `--keys: ${file} ${reason}`,
    );
  });
});
