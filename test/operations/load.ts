import { setTimeout as delay } from 'node:timers/promises';

/** Asks the gateway of this host until its input ends; then prints what was answered, by whom, and what was not. */
const [url = '', token = ''] = process.argv.slice(2);
const answers: Record<string, number> = {};
const failures: string[] = [];
let isAsking = true;
process.stdin.on('end', () => {
  isAsking = false;
});
process.stdin.resume();

const body = JSON.stringify({ query: '{ cdrs(first: 50) { nodes { id connectTime } } }' });
const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
while (isAsking) {
  const text = await fetch(url, { method: 'POST', headers, body }).then(
    (response) => response.text(),
    (error: Error) => error.message,
  );
  const name = /"replica":\{"name":"([^"]+)"/.exec(text)?.[1];
  if (name === undefined || !text.includes('"nodes":[{'))
    failures.push(`${new Date().toISOString()} ${text.slice(0, 200)}`);
  else answers[name] = (answers[name] ?? 0) + 1;
  await delay(5);
}
process.stdout.write(`${JSON.stringify({ answers, failures })}\n`);
