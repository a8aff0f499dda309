import { blocksOf, type ShellBlock } from './handbook.ts';
import type { HostName } from './hosts.ts';
import { Failed, PSQL, Rehearsal, say, TOKEN } from './rehearsal.ts';

const TO = 18;
const SECTION = 'To a new major version while gateways serve';
const PORTS = [3001, 3002];

/** What the switch would write: a call each hundredth of a second, each committed by itself, with keys of the sequence. */
const SWITCH = `do $$ begin
  loop
    insert into xdrs (i_account, i_customer, cli, cld, connect_time, duration, charged_amount, disconnect_cause)
      values (1, 1, '33' , '44', now(), 10, 0.1, 16);
    commit;
    perform pg_sleep(0.01);
  end loop;
end $$`;

/** The section of the handbook, from db-1 and db-2 of one major to db-3 and db-4 of another, while the switch writes and clients ask. */
export async function rehearseMajorUpgrade(from: number): Promise<void> {
  await using rehearsal = await Rehearsal.open({ 'db-1': from, 'db-2': from, 'db-3': TO, 'db-4': TO });
  say(`from PostgreSQL ${from} to ${TO}: db-1 and db-2 are to be db-3 and db-4`);
  const ofBefore = (text: string) => text.replaceAll('/15/', `/${from}/`).replaceAll('@15-', `@${from}-`);
  await setUpPair(rehearsal, from, ofBefore);
  await startGateways(rehearsal);
  const endLoad = rehearsal.startLoad(PORTS);

  const blocks = blocksOf(SECTION);
  const next = blocks.values();
  /** The next block, which must be for that host. */
  const follow = async (host: HostName, change: (text: string) => string = ofBefore) => {
    const block = next.next().value!;
    if (block.host !== host) throw new Failed(`Line ${block.line} is for ${block.host}, expected ${host}.`);
    await rehearsal.followBlock(block, change);
  };

  await follow('db-1');
  await follow('db-1');
  // It ends when its connection is cut, at the switch-over.
  rehearsal.hosts.start('db-1', `${PSQL} sippy -c "${SWITCH.replaceAll('$', '\\$')}" 2>/dev/null`);
  await rehearsal.until('db-2', 'select count(*) > 2000 from xdrs');
  await follow('db-3');
  await makeTables(rehearsal, from, next.next().value!);
  await follow('db-3');
  await addStandby(rehearsal, { from: 'db-3', to: 'db-4', major: TO });
  await follow('db-1');
  const tokenOfBefore = await askForToken(rehearsal);

  // Today differs: calls go on.
  const early = next.next().value!;
  await rehearsal.do('db-3', settled(early.script));
  say(`${SECTION}, line ${early.line}: done on db-3, for days that are over`);
  const began = performance.now();
  await follow('db-1');
  await follow('db-3');
  await follow('db-3');
  say(`the switch stood still for ${((performance.now() - began) / 1000).toFixed(1)} s of these`);
  await goOnWriting(rehearsal);
  await follow('gateway');
  await rehearsal.until('db-4', "select count(*) > 0 from pg_stat_activity where usename = 'gateway'");
  await expectForeign(rehearsal, tokenOfBefore);
  await follow('db-1');
  if (next.next().value) throw new Failed(`${SECTION} has more blocks than are followed.`);
  const { answers, failures } = await endLoad();
  say(`answered meanwhile: ${JSON.stringify(answers)}; not answered: ${failures.length}`);
  if (failures.length > 0) throw new Failed(failures.slice(0, 5).join('\n'));
  if (!answers['db-2'] || !answers['db-4']) throw new Failed('Not both of the clusters were read from.');
}

/** db-1 and db-2 of one major by the handbook, with calls; `ofBefore` puts that major into it. */
export async function setUpPair(
  rehearsal: Rehearsal,
  from: number,
  ofBefore: (text: string) => string,
): Promise<void> {
  await rehearsal.makeCertificates();
  const [primary] = blocksOf('With two commands');
  await rehearsal.do('db-1', ofBefore(primary!.script));
  await rehearsal.follow('Roles');
  await rehearsal.writeCalls('db-1', 1, 2000);
  // Keys come from the sequence, as with most switches.
  await rehearsal.do(
    'db-1',
    `${PSQL} sippy -c "select setval(pg_get_serial_sequence('xdrs', 'i_xdr'), 2000)"`,
  );
  await addStandby(rehearsal, { from: 'db-1', to: 'db-2', major: from });
  // Where the servers are; what follows in that block is tried elsewhere.
  await rehearsal.do('gateway', blocksOf('Is it well?')[0]!.script.split(/^npm run/m)[0]!);
}

/** By `setup replica` as it stands; where npm brings no pg_basebackup, the copy is made before it. */
async function addStandby(
  rehearsal: Rehearsal,
  { from, to, major }: { readonly from: HostName; readonly to: HostName; readonly major: number },
): Promise<void> {
  const [, replica] = blocksOf('With two commands');
  const other = (text: string) =>
    text
      .replaceAll('/15/', `/${major}/`)
      .replaceAll('@15-', `@${major}-`)
      .replaceAll('db-1,db-2', `${from},${to}`)
      .replaceAll('db-2', to);
  const commands = other(replica!.script);
  if (major === 15) return void (await rehearsal.do(to, commands));
  const [empty, setup] = [commands.split(/^export/m)[0]!, `export${commands.split(/^export/m)[1]}`];
  await rehearsal.do(to, empty);
  await rehearsal.copyCluster(from, to, major);
  await rehearsal.do(to, setup);
  say(`With two commands, line ${replica!.line}: done on ${to}, after a copy by pg_backup_start`);
}

/** npm brings no pg_dump, and that of 15 reads no server of 16: then tables are made as they were on db-1. */
async function makeTables(rehearsal: Rehearsal, from: number, block: ShellBlock): Promise<void> {
  if (!block.script.includes('pg_dump')) throw new Failed(`Line ${block.line} was to make the tables.`);
  if (from === 15) return rehearsal.followBlock(block);
  const password = '/etc/cdr-gateway/gateway-password';
  await rehearsal.do(
    'db-1',
    `scp -p ${password} root@db-3:/etc/cdr-gateway/ && ssh root@db-3 chgrp postgres ${password}`,
  );
  await rehearsal.do('db-3', blocksOf('Roles')[0]!.script);
  await rehearsal.do(
    'db-3',
    `${PSQL} sippy -Atc "select format('truncate %s;', string_agg(oid::regclass::text, ', ')) from pg_class
      where relkind = 'r' and relnamespace::regnamespace::text !~ '^(pg_|information_schema)'" | ${PSQL} sippy`,
  );
  say(
    `${SECTION}, line ${block.line}: not run, since there is no pg_dump of ${from}; tables are those of "migrate up"`,
  );
}

/** The units of the handbook, with the primary watched as their comment says. */
async function startGateways(rehearsal: Rehearsal): Promise<void> {
  await rehearsal.do(
    'gateway',
    `mount -t tmpfs tmpfs /opt && mkdir /opt/cdr-gateway && mount --bind . /opt/cdr-gateway
    install -m 0600 /dev/stdin /etc/cdr-gateway/admin-token <<<${TOKEN}
    sed 's/^#\\(.*primary-url\\|Environment=PRIMARY\\)/\\1/; s/ ACCOUNT_TOKEN_FILE=.*//' docker/systemd/cdr-gateway.service >/etc/systemd/system/cdr-gateway@.service
    echo LOG_LEVEL=warn >/etc/cdr-gateway/gateway.env
    systemctl enable --now ${PORTS.map((port) => `cdr-gateway@${port}`).join(' ')}
    ${PORTS.map((port) => `until curl -sf localhost:${port}/readyz >/dev/null; do sleep 0.2; done`).join('\n')}`,
  );
}

/** The comparison, without today. */
function settled(script: string): string {
  const today = `grep -v "^$(date -u +%F)"`;
  return script.replaceAll(/>(\/root\/days-of-\w+)/g, `| ${today} >$1`);
}

async function ask(rehearsal: Rehearsal, token?: string): Promise<{ code?: string; token?: string }> {
  const header = token ? `-H 'x-read-after: ${token}'` : '';
  const text = await rehearsal.do(
    'gateway',
    `curl -s localhost:3001/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${TOKEN}' ${header} \\
      -d '{"query":"{ cdrs(first: 1) { nodes { id } } }"}'`,
  );
  const { errors, extensions } = JSON.parse(text);
  return { code: errors?.[0]?.extensions.code, token: extensions?.replica?.token };
}

async function askForToken(rehearsal: Rehearsal): Promise<string> {
  const { token } = await ask(rehearsal);
  if (!token) throw new Failed('An answer of before the switch-over has no token.');
  return token;
}

async function expectForeign(rehearsal: Rehearsal, token: string): Promise<void> {
  const { code } = await ask(rehearsal, token);
  if (code !== 'POSITION_FOREIGN') throw new Failed(`A token of before is answered with ${code}.`);
  say('a token of before is POSITION_FOREIGN');
}

/** The switch writes to the new primary: keys go on behind the last one, and the old primary takes nothing. */
async function goOnWriting(rehearsal: Rehearsal): Promise<void> {
  const insert = `insert into xdrs (i_account, i_customer, connect_time) values (1, 1, now()) returning i_xdr > (select max(i_xdr) from xdrs)`;
  const key = (await rehearsal.do('db-3', `${PSQL} sippy -Atc "${insert}"`)).trim();
  if (key !== 't') throw new Failed(`The first key on the new primary does not follow the last: ${key}`);
  const { code, text } = await rehearsal.hosts.run('db-1', `${PSQL} sippy -c "${insert}"`);
  if (code === 0 || !/read-only transaction/.test(text))
    throw new Failed(`The old primary took a call: ${text}`);
  say('db-3 takes calls, its keys go on, and db-1 refuses them');
}
