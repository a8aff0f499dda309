import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { blocksOf, type ShellBlock } from './handbook.ts';
import { addresses, type HostName, Hosts } from './hosts.ts';
import { plants } from './plants.ts';

const HELP = `Usage: npm run test:operations -- [--only commands|hand] [--verbose]

Makes three database hosts and one of a gateway in namespaces of this machine (Linux, root, Debian's postgresql-15), and
does what docs/postgresql.md says, block by block as it stands: once with "setup" and "replica", with faults planted and found,
roles exchanged and back and a standby added and removed under load; and once by hand. Ends with 1 at the first that
does not do what it says.`;

const TOKEN = 'admin-token-of-the-tests';
const DEADLINE_MS = 60_000;

const { values } = parseArgs({
  options: { only: { type: 'string' }, verbose: { type: 'boolean' }, help: { type: 'boolean' } },
});
const begun = performance.now();

function say(text: string): void {
  console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${text}`);
}

class Failed extends Error {}

/** Fresh hosts, and what the operator and the switch do between the blocks. */
class Rehearsal implements AsyncDisposable {
  readonly hosts: Hosts;
  readonly #running: ChildProcess[] = [];

  constructor(hosts: Hosts) {
    this.hosts = hosts;
  }

  static async open(): Promise<Rehearsal> {
    const rehearsal = new Rehearsal(await Hosts.open());
    for (const name of ['db-1', 'db-2', 'db-3'] as const) {
      // What installing the packages leaves.
      await rehearsal.do(name, 'pg_createcluster 15 main >/dev/null && pg_ctlcluster 15 main start');
    }
    await rehearsal.do('db-1', `${PSQL} postgres -c 'create database sippy'`);
    return rehearsal;
  }

  async do(host: HostName, script: string): Promise<string> {
    const { code, text } = await this.hosts.run(host, script);
    if (values.verbose) console.log(text);
    if (code !== 0) throw new Failed(`On ${host}, exit code ${code}:\n${script}\n${text}`);
    return text;
  }

  /** The blocks of a section; names are exchanged for the way back. */
  async follow(section: string, change: (text: string) => string = (text) => text): Promise<void> {
    for (const block of blocksOf(section)) await this.#runBlock(block, change);
  }

  async #runBlock(
    { host, line, section, script }: ShellBlock,
    change: (text: string) => string,
  ): Promise<void> {
    if (!host) return say(`${section}, line ${line}: not run, as it says`);
    const place = change(host) as HostName;
    await this.do(place, change(script));
    say(`${section}, line ${line}: done on ${place}`);
  }

  /** What the block with scp does. */
  async carryFiles(): Promise<void> {
    const tls = (file: string) => `/etc/postgresql/tls/${file}`;
    for (const host of ['db-2', 'db-3'] as const) {
      for (const file of ['ca.crt', `${host}.crt`, `${host}.key`])
        await this.hosts.copy('db-1', tls(file), host);
      await this.do(host, `chown postgres ${tls(`${host}.key`)}`);
      await this.hosts.copy('db-1', '/etc/cdr-gateway/replication-password', host);
    }
    await this.hosts.copy('db-1', tls('ca.crt'), 'gateway', '/etc/cdr-gateway/ca.crt');
    await this.hosts.copy('db-1', '/etc/cdr-gateway/gateway-password', 'gateway');
  }

  async writeCalls(host: HostName, from: number, count: number): Promise<void> {
    await this.do(
      host,
      `${PSQL} sippy <<'SQL'
      insert into accounts (i_account, i_customer, username) select n, 1, 'a' || n from generate_series(1, 20) n on conflict do nothing;
      insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, duration, charged_amount, disconnect_cause)
        select n, n % 20 + 1, 1, '33' || n, '44' || n, now() - n * interval '1 minute', 10, 0.1, 16
        from generate_series(${from}, ${from + count - 1}) n;
      analyze;
SQL`,
    );
  }

  /** Waits until the statement says t on that host. */
  async until(host: HostName, statement: string): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const { text } = await this.hosts.run(host, `${PSQL} sippy -Atc "${statement}"`);
      if (text.trim() === 't') return;
      if (Date.now() > deadline)
        throw new Failed(`On ${host} this did not become true: ${statement}\n${text}`);
      await delay(100);
    }
  }

  async doctorCodes(): Promise<readonly string[]> {
    const { text } = await this.hosts.run('gateway', `${SETTINGS} npm run --silent doctor -- --json`);
    const report = JSON.parse(text) as { findings: readonly { code: string; message: string }[] };
    if (values.verbose) console.log(report.findings);
    return [...new Set(report.findings.map(({ code }) => code))].toSorted();
  }

  async startGateway(): Promise<void> {
    const gateway = this.hosts.start(
      'gateway',
      `env ${SETTINGS} API_PORT=3001 LOG_LEVEL=warn node src/cli.ts serve`,
      {
        ADMIN_TOKEN: TOKEN,
      },
    );
    gateway.stdout!.resume();
    this.#running.push(gateway);
    await this.do('gateway', 'until curl -sf localhost:3001/readyz >/dev/null; do sleep 0.2; done');
  }

  startLoad(): () => Promise<{ answers: Readonly<Record<string, number>>; failures: readonly string[] }> {
    const load = this.hosts.start(
      'gateway',
      `node test/operations/load.ts http://localhost:3001/graphql ${TOKEN}`,
    );
    this.#running.push(load);
    const chunks: Buffer[] = [];
    load.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    return async () => {
      load.stdin!.end();
      await once(load, 'exit');
      return JSON.parse(Buffer.concat(chunks).toString());
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await this.hosts[Symbol.asyncDispose]();
  }
}

const PSQL = 'sudo -u postgres psql --no-psqlrc --quiet --set ON_ERROR_STOP=1';
const SETTINGS =
  'REPLICA_URLS_FILE=/etc/cdr-gateway/replica-urls PRIMARY_URL_FILE=/etc/cdr-gateway/primary-url DISCOVERY_INTERVAL=1';

/** The two commands, and a life with them. */
async function withCommands(): Promise<void> {
  await using rehearsal = await Rehearsal.open();
  say(
    `hosts: ${Object.entries(addresses)
      .map(([name, address]) => `${name} ${address}`)
      .join(', ')}`,
  );
  await rehearsal.follow('Certificates and passwords');
  await rehearsal.carryFiles();
  const [primary, replica] = blocksOf('With two commands');
  await rehearsal.do('db-1', primary!.script);
  say(`With two commands, line ${primary!.line}: done on db-1`);
  await rehearsal.follow('Roles');
  await rehearsal.writeCalls('db-1', 1, 2000);
  await rehearsal.do('db-2', replica!.script);
  say(`With two commands, line ${replica!.line}: done on db-2`);
  const again = await rehearsal.do(
    'db-2',
    replica!.script.replace(/^(systemctl stop|sudo -u postgres find).*$/gm, ''),
  );
  if (!/^Nothing to do\.$/m.test(again)) throw new Failed(`A second run had something to do:\n${again}`);
  say('a second run has nothing to do');
  await rehearsal.until('db-2', 'select count(*) = 2000 from xdrs');
  await rehearsal.follow('Is it well?');
  await plantFaults(rehearsal);
  await changeMembers(rehearsal, replica!);
}

async function plantFaults(rehearsal: Rehearsal): Promise<void> {
  await expectCodes(rehearsal, 'nothing is wrong', []);
  for (const { name, host, plant, cure, codes, ready } of plants) {
    await rehearsal.do(host, `${PSQL} sippy <<'SQL'\n${plant}\nSQL`);
    if (ready) await rehearsal.until(host, ready);
    await expectCodes(rehearsal, name, codes);
    await rehearsal.do(host, `${PSQL} sippy <<'SQL'\n${cure}\nSQL`);
  }
  await rehearsal.until('db-2', `select status = 'streaming' from pg_stat_wal_receiver`);
  await expectCodes(rehearsal, 'all is mended', []);
}

async function expectCodes(rehearsal: Rehearsal, name: string, codes: readonly string[]): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const found = await rehearsal.doctorCodes();
    if (String(found) === String(codes)) return say(`doctor, ${name}: ${codes.join(', ') || 'no finding'}`);
    if (Date.now() > deadline)
      throw new Failed(`doctor, ${name}: expected ${codes.join(', ')}, found ${found.join(', ')}`);
    await delay(500);
  }
}

const exchanged = (text: string): string =>
  text.replace(/(db[-_])([12])/g, (_all, db: string, digit: string) => db + (digit === '1' ? '2' : '1'));

/** A standby is added, roles are exchanged and back, and the standby goes, while a client asks without a pause. */
async function changeMembers(rehearsal: Rehearsal, replica: ShellBlock): Promise<void> {
  await rehearsal.startGateway();
  const endLoad = rehearsal.startLoad();
  const [add, name, unname, stop, remove] = blocksOf('One standby more, one less');
  await rehearsal.do('db-1', add!.script);
  await rehearsal.do('db-3', replica.script.replaceAll('db-2', 'db-3').replace('db-1,db-3', 'db-1,db-2'));
  await rehearsal.do('gateway', name!.script);
  await rehearsal.until(
    'db-3',
    `select count(*) > 0 from pg_stat_activity where usename = 'gateway' and application_name <> ''`,
  );
  say('db-3 is added, and gateways read from it');

  await exchangeRoles(rehearsal, 'db-2', (text) => text);
  await rehearsal.writeCalls('db-2', 3001, 10);
  await rehearsal.until('db-1', 'select count(*) = 2010 from xdrs');
  await rehearsal.until('db-3', 'select count(*) = 2010 from xdrs');
  say('db-2 is the primary, and nothing is lost');
  await exchangeRoles(rehearsal, 'db-1', exchanged);
  await rehearsal.writeCalls('db-1', 4001, 10);
  await rehearsal.until('db-2', 'select count(*) = 2020 from xdrs');
  say('db-1 is the primary again');

  await rehearsal.do('gateway', unname!.script);
  await rehearsal.until('db-3', `select count(*) = 0 from pg_stat_activity where usename = 'gateway'`);
  await rehearsal.do('db-3', stop!.script);
  await rehearsal.do('db-1', remove!.script);
  await rehearsal.until('db-1', `select string_agg(slot_name, ',') = 'db_2' from pg_replication_slots`);
  say('db-3 is removed');
  const { answers, failures } = await endLoad();
  say(`answered meanwhile: ${JSON.stringify(answers)}; not answered: ${failures.length}`);
  if (failures.length > 0) throw new Failed(failures.slice(0, 5).join('\n'));
}

async function exchangeRoles(
  rehearsal: Rehearsal,
  next: HostName,
  change: (text: string) => string,
): Promise<void> {
  const slots = `select pg_create_physical_replication_slot(name, true) from unnest(array['${change('db_1')}', 'db_3']) name`;
  await rehearsal.do(next, `${PSQL} sippy -c "${slots}"`);
  await rehearsal.follow('As planned', change);
  await rehearsal.until(
    'db-3',
    `select status = 'streaming' and sender_host = '${next}' from pg_stat_wal_receiver`,
  );
}

/** Without our commands on the hosts of databases. */
async function byHand(): Promise<void> {
  await using rehearsal = await Rehearsal.open();
  await rehearsal.follow('Certificates and passwords');
  await rehearsal.carryFiles();
  const password = (await rehearsal.do('db-1', 'cat /etc/cdr-gateway/replication-password')).trim();
  // Of the block of SQL, with what is typed at \password.
  await rehearsal.do(
    'db-1',
    `${PSQL} sippy <<'SQL'
    alter system set max_slot_wal_keep_size = '20GB';
    alter system set wal_sender_timeout = '30s';
    select pg_reload_conf();
    create role replicator login replication;
    alter role replicator password '${password}';
    select pg_create_physical_replication_slot('db_2', true);
SQL`,
  );
  await rehearsal.follow('By hand: the primary');
  await rehearsal.follow('Roles');
  await rehearsal.writeCalls('db-1', 1, 2000);
  await rehearsal.follow('By hand: the standby');
  await rehearsal.until('db-2', 'select count(*) = 2000 from xdrs');
  await rehearsal.follow('Indexes belong to the primary');
  await rehearsal.until('db-2', `select status = 'streaming' from pg_stat_wal_receiver`);
  // What the handbook sets on the standby is for the primary too.
  await rehearsal.hosts.copy('db-2', '/etc/postgresql/15/main/conf.d/cdr.conf', 'db-1');
  await rehearsal.do('db-1', 'systemctl restart postgresql@15-main');
  await rehearsal.until('db-2', `select status = 'streaming' from pg_stat_wal_receiver`);
  await rehearsal.follow('Is it well?');
  await rehearsal.do('db-2', 'systemctl stop postgresql@15-main');
  await rehearsal.follow('Undo everything');
  await rehearsal.until(
    'db-1',
    `select count(*) = 0 from pg_roles where rolname in ('gateway', 'gateway_reader')`,
  );
}

if (values.help) console.log(HELP);
else {
  try {
    if (values.only !== 'hand') await withCommands();
    if (values.only !== 'commands') await byHand();
    say('all of it is true');
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    console.log(`FAILED  ${error.message}`);
    process.exitCode = 1;
  }
}
