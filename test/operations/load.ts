import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks the gateways of this host until its input ends; then prints what was answered, by whom, and what was not. One that takes no
 * connection is passed over, as nginx does.
 */
const [token = '', ...urls] = process.argv.slice(2);
const answers: Record<string, number> = {};
const failures: string[] = [];
let isAsking = true;
process.stdin.on('end', () => {
  isAsking = false;
});
process.stdin.resume();

const body = JSON.stringify({ query: '{ cdrs(first: 50) { nodes { id connectTime } } }' });
const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
const ask = async (url: string) => (await fetch(url, { method: 'POST', headers, body })).text();

for (let turn = 0; isAsking; turn++) {
  const first = urls[turn % urls.length]!;
  const second = urls[(turn + 1) % urls.length]!;
  const text = await ask(first)
    .catch(() => ask(second))
    .catch((error: Error) => error.message);
  const name = /"replica":\{"name":"([^"]+)"/.exec(text)?.[1];
  if (name === undefined || !text.includes('"nodes":[{'))
    failures.push(`${new Date().toISOString()} ${text.slice(0, 200)}`);
  else answers[name] = (answers[name] ?? 0) + 1;
  await delay(5);
}
process.stdout.write(`${JSON.stringify({ answers, failures })}\n`);
