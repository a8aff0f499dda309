import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { operateGateways } from './gateways.ts';
import { blocksOf, type ShellBlock } from './handbook.ts';
import { addresses, type HostName } from './hosts.ts';
import { rehearseMajorUpgrade } from './major-upgrade.ts';
import { plants } from './plants.ts';
import { DEADLINE_MS, Failed, output, PSQL, Rehearsal, say } from './rehearsal.ts';

const HELP = `Usage: npm run test:operations -- [--only commands|hand|upgrade|gateways] [--verbose]

Makes three database hosts and one of a gateway in namespaces of this machine (Linux, root, Debian's postgresql-15), and
does what docs/postgresql.md says, block by block as it stands: once with "setup" and "replica", with faults planted and found,
roles exchanged and back and a standby added and removed under load; once by hand; and to PostgreSQL 18, from 15 and from 16, while
two gateways serve. Then what docs/operations.md says for the host of gateways. Ends with 1 at the first that does not do what it says.`;

const { values } = parseArgs({
  options: { only: { type: 'string' }, verbose: { type: 'boolean' }, help: { type: 'boolean' } },
});
output.isVerbose = values.verbose ?? false;

/** The two commands, and a life with them. */
async function withCommands(): Promise<void> {
  await using rehearsal = await Rehearsal.open();
  say(
    `hosts: ${Object.entries(addresses)
      .map(([name, address]) => `${name} ${address}`)
      .join(', ')}`,
  );
  await rehearsal.makeCertificates();
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
  await rehearsal.makeCertificates();
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
  await rehearsal.do(
    'db-2',
    'scp -p /etc/postgresql/15/main/conf.d/cdr.conf root@db-1:/etc/postgresql/15/main/conf.d/',
  );
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
    const wanted = (name: string) => values.only === undefined || values.only === name;
    if (wanted('commands')) await withCommands();
    if (wanted('hand')) await byHand();
    if (wanted('upgrade')) for (const from of [15, 16]) await rehearseMajorUpgrade(from);
    if (wanted('gateways')) await operateGateways();
    say('all of it is true');
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    console.log(`FAILED  ${error.message}`);
    process.exitCode = 1;
  }
}
