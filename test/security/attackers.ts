import { connect } from 'node:net';
import { getPriority, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { hostile } from './tenants.ts';

/** Three hostile tenants, in a process of their own at low priority, which send twenty requests a second each until it ends. */

setPriority(Math.min(19, getPriority() + 10));

const port = Number(process.env.PORT);
const url = `http://127.0.0.1:${port}/graphql`;
const MILLIS_BETWEEN = 50;

const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');

let number = 0;
let sent = 0;
const post = (query: string, token: string, variables: object = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });

/** A head that promises a megabyte, and little of it. */
async function stall(authorization: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port }).on('error', () => {});
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${authorization}Content-Length: 1000000\r\n\r\n{"query": "`,
  );
  await delay(5000);
  socket.destroy();
}

/** Reads the beginning of a long list, and then nothing for a while. */
async function readSlowly(token: string): Promise<void> {
  const response = await post('{ cdrs(first: 1000000) { nodes { id cli cld callId } } }', token);
  const reader = response.body!.getReader();
  await reader.read();
  await delay(3000);
  await reader.cancel();
}

/** Each is a line of the table of attacks, or its sibling. */
const attacks: readonly ((token: string) => Promise<unknown>)[] = [
  (token) => post(`{ ${times(33, (i) => `s${i}: cdrStats { totals { attempts asr } }`)} }`, token),
  (token) =>
    post(
      `{ cdrs(first: 1, filter: { disconnectCauses: [${number++}, ${times(9000, () => '1')}] }) { nodes { id } } }`,
      token,
    ),
  (token) => post(`{ viewer { name } } # ${number++} ${'x'.repeat(900_000)}`, token),
  (token) =>
    post(`{ cdrs(first: 0) { nodes { ${times(900, () => 'account { customer { id } }')} } } }`, token),
  (token) => post(`{ ${times(900, (i) => `nonsense${i}`)} }`, token),
  (token) =>
    post('{ cdrs(first: 1, filter: { cld: { contains: "987654321" } }) { nodes { id } totalCount } }', token),
  readSlowly,
  (token) => stall(`Authorization: Bearer ${token}\r\n`),
  () => stall(''),
  () => post('{ viewer { name } }', `guess-${number++}`),
  (token) =>
    post('query ($x: [ID!]) { cdrs(first: 1, filter: { accountIds: $x }) { nodes { id } } }', token, {
      x: Array.from({ length: 9000 }, (_, i) => String(i)),
    }),
  (token) => post('{ cdrStats(groupBy: [CLD]) { rows { cld attempts minutes } } }', token),
  (token) => post(`${'{ a '.repeat(2000)}`, token),
  (token) =>
    post(`{ ${times(50, (i) => `c${i}: cdrs(first: 200) { nodes { id cli cld callId } }`)} }`, token),
];

for (const [place, { token }] of hostile.entries()) {
  let next = place * 5;
  setInterval(() => {
    sent++;
    const attack = attacks[next++ % attacks.length]!;
    attack(token)
      .then(async (answer) => {
        if (answer instanceof Response) await answer.body?.pipeTo(new WritableStream());
      })
      .catch(() => {});
  }, MILLIS_BETWEEN);
}
process.on('message', () => process.send!(sent));
process.on('disconnect', () => process.exit());
process.send!('attacking');
