import { readFileSync } from 'node:fs';
import { shellBlocksOf } from './handbook.ts';
import { setUpPair } from './major-upgrade.ts';
import { Failed, Rehearsal, say } from './rehearsal.ts';

const PAGE = 'docs/operations.md';
const PLAN = 'numbering-plan.sample.csv';
const OPERATORS = 'numbering-operators.sample.csv';

/** What the operator has before the page begins: a checkout, and files that others make. */
const BEFORE = `mount -t tmpfs tmpfs /opt && mkdir /opt/cdr-gateway && ln -s "$PWD"/* /opt/cdr-gateway
  mkdir -p /root/numbering
  cp src/demo/${PLAN} /root/numbering/MAJNUM.csv && cp src/demo/${OPERATORS} /root/numbering/identifiants_CE.csv`;

/** A request with the id that the page looks for in the log. */
const ask = (id: string, token: string) =>
  `curl -s localhost:3001/graphql -H 'x-request-id: ${id}' -H 'content-type: application/json' -H "authorization: Bearer ${token}" \\
    -d '{"query":"{ cdrs(first: 1) { nodes { id } } }"}'`;

/** Every block of docs/operations.md that is for the gateway's host, in the order of the page, over a pair of the handbook. */
export async function operateGateways(): Promise<void> {
  await using rehearsal = await Rehearsal.open();
  await setUpPair(rehearsal, 15, (text) => text);
  await rehearsal.do('gateway', BEFORE);
  const password = (await rehearsal.do('gateway', 'cat /etc/cdr-gateway/gateway-password')).trim();
  const id = /^id=(\w+)$/m.exec(readFileSync(PAGE, 'utf8'))?.[1];
  if (!id) throw new Failed(`${PAGE} looks for no request in the log.`);

  // The page names a second standby, which is not there, and files in a directory of the whole machine.
  const asHere = (text: string) =>
    text
      .replace(/,postgresql:\/\/gateway:PASSWORD@db-3\S*/, '')
      .replaceAll('PASSWORD', password)
      .replaceAll('/var/lib/cdr-gateway-numbering', '/root/numbering');
  const blocks = shellBlocksOf(PAGE).filter(({ host }) => host === 'gateway');
  for (const block of blocks) {
    if (block.section === 'Logs') {
      const answer = await rehearsal.do('gateway', ask(id, '$(cat /etc/cdr-gateway/admin-token)'));
      if (!/"id":/.test(answer)) throw new Failed(`A gateway of the page answers ${answer}`);
    }
    const text = await rehearsal.do('gateway', asHere(block.script));
    say(`${PAGE}, ${block.section}, line ${block.line}: done on the gateway's host`);
    expectTold(block.section, text, id);
  }
  const left = 'ls -d /opt/* /etc/cdr-gateway /etc/systemd/system/cdr-gateway* 2>/dev/null || true';
  const found = await rehearsal.do('gateway', left);
  if (found !== '') throw new Failed(`After "Undo everything" there is left:\n${found}`);
}

/** What the page shows below its commands. */
function expectTold(section: string, text: string, id: string): void {
  const told: Readonly<Record<string, RegExp>> = {
    'With systemd': /cdr-gateway@3002: active \(running\)/,
    Logs: new RegExp(`"requestId":"${id}"[\\s\\S]*\\d+ ok`),
    Health:
      /^OK, as of [\s\S]*slot db_2 \(physical\): in use|^CDR REPLICATION OK - OK, 1 of 1 standbys stream/,
  };
  if (told[section] && !told[section].test(text))
    throw new Failed(`${section} tells something else:\n${text}`);
}
