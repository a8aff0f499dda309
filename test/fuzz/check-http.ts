import { encodePlainToken } from '../support/plain-token.ts';
import { codeOf, type FuzzClient, type Principal } from './fuzz-client.ts';
import type { Random } from './random.ts';
import { assertSame } from './same.ts';

/** Every media type is written as its sender likes. */
const JSON_TYPES = [
  'application/json',
  'Application/JSON',
  'APPLICATION/JSON; charset=utf-8',
  'application/json ; charset=UTF-8',
  'application/graphql+json',
];

const FILE_TYPES = ['text/csv', 'application/x-ndjson'];

/** Long before a gateway stops to wait for a standby, which it is told to do here for so long. */
const MAX_AT_ONCE_MS = 8000;
export const READ_AFTER_WAIT_SECONDS = 20;

/** What HTTP says is so, whatever is in the tables: types, files that fail, freshness, cursors that were spoilt. */
export async function checkHttp(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  await checkContentTypes(random, client, principal);
  await checkAccept(random, client, principal);
  await checkFailedFile(random, client, principal);
  await checkFreshness(random, client, principal);
  await checkSpoiltCursors(random, client, principal);
}

/** A document of its own, which no cache knows. */
const freshDocument = (random: Random) => `{ cdrs(first: 1) { nodes { id } } } # ${random.next()}`;

async function checkContentTypes(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const query = freshDocument(random);
  for (const type of [random.pick(JSON_TYPES), random.pick(JSON_TYPES)]) {
    const { status, text } = await client.post(query, principal, { 'content-type': type });
    assertSame(status, 200, `Content-Type: ${type}: ${text}`);
  }
}

async function checkAccept(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const file = random.pick(FILE_TYPES);
  const [accept, wanted] = random.pick([
    [`${file};q=0, application/json`, 'application/json'],
    [`${file}; q=0.1, application/json;q=0.2`, 'application/json'],
    [`${file}; q=0.3, application/json;q=0.2`, file],
    [file.toUpperCase(), file],
    [`application/json;q=0, ${file}`, file],
    [`text/html, ${file}`, file],
    [`${file};q=0, */*;q=0.1`, 'application/json'],
    ['application/json;q=0, */*', 'application/graphql-response+json'],
  ] as const);
  const query = '{ cdrs(first: 1) { nodes { id } } }';
  const { headers, text } = await client.post(query, principal, { accept });
  assertSame(headers['content-type']!.split(';')[0], wanted, `Accept: ${accept}: ${text}`);
  const refusal = random.pick([
    `${file};q=0`,
    `${file}; q=0.000`,
    `${file};q=0, application/json;q=0`,
    `application/json;q=0`,
    `image/png, ${file};Q=0`,
  ]);
  const refused = await client.post(query, principal, { accept: refusal });
  assertSame(refused.status, 406, `Accept: ${refusal}: ${refused.text}`);
  assertSame(codeOf(refused.text), 'NOT_ACCEPTABLE', `Accept: ${refusal}`);
}

/** `curl --fail` must not keep an error as a file. */
async function checkFailedFile(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const query = random.pick([
    '{ cdrs(first: -1) { nodes { id } } }',
    '{ cdrs(first: 1, after: "nowhere") { nodes { id } } }',
    '{ cdrs(first: 1, filter: { from: 1767603605 }) { nodes { id } } }',
    '{ cdrs(first: 1, filter: { accountIds: ["x"] }) { nodes { id } } }',
    '{ cdrs(first: 1) { nodes { nothing } } }',
  ]);
  const { status, headers, text } = await client.post(query, principal, { accept: random.pick(FILE_TYPES) });
  if (status < 400 || !/json/.test(headers['content-type'] ?? '') || !JSON.parse(text).errors) {
    throw new Error(`A file that failed: ${status}, ${headers['content-type']}: ${text} for ${query}`);
  }
}

async function checkFreshness(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const query = '{ cdrs(first: 1) { nodes { id } } }';
  const { text } = await client.post(query, principal, {});
  const token = Buffer.from(JSON.parse(text).extensions.replica.token as string, 'base64url');
  const changed = (place: number) => {
    const bytes = Buffer.from(token);
    bytes[place]! ^= 1 + random.below(100);
    return bytes.toString('base64url');
  };
  /** As gateways wrote them before they were sealed. */
  const foreign = encodePlainToken({
    systemIdentifier: BigInt(random.below(1_000_000)),
    timeline: 1,
    lsn: 1n,
  });
  const [headers, code] = random.pick([
    [{ 'x-max-staleness': '0' }, 'REPLICA_TOO_STALE'],
    [{ 'x-read-after': changed(random.below(token.length)) }, 'INVALID_TOKEN'],
    [{ 'x-read-after': foreign }, 'POSITION_FOREIGN'],
    [{ 'x-read-after': token.toString('base64url'), 'x-max-staleness': '600' }, undefined],
  ] as const);
  const since = performance.now();
  const answer = await client.post(query, principal, headers);
  const about = `${JSON.stringify(headers)}: ${answer.text}`;
  assertSame(codeOf(answer.text), code ?? null, about);
  const millis = performance.now() - since;
  if (millis > MAX_AT_ONCE_MS)
    throw new Error(`Waits ${millis.toFixed(0)} ms for what never comes: ${about}`);
}

/** Whatever a byte of it has become, it is a cursor of another place, or none. */
const SPOILT = [null, 'INVALID_CURSOR', 'CURSOR_MISMATCH'];

async function checkSpoiltCursors(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const { data } = await client.quietAnswer(
    '{ cdrs(first: 3) { pageInfo { endCursor } } }',
    principal,
    'executed',
  );
  const cursor = data.cdrs.pageInfo.endCursor as string | null;
  if (cursor === null) return;
  for (let attempt = 0; attempt < 6; attempt++) {
    const bytes = Buffer.from(cursor, 'base64url');
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    const after = random.chance(0.2) ? cursor.slice(0, -1 - random.below(9)) : bytes.toString('base64url');
    const query = 'query ($after: String) { cdrs(first: 1, after: $after) { nodes { id } } }';
    const since = performance.now();
    const code = await client.refusal(query, principal, { after });
    if (!SPOILT.includes(code)) throw new Error(`${code} for the spoilt cursor ${after} of ${cursor}`);
    const millis = performance.now() - since;
    if (millis > MAX_AT_ONCE_MS)
      throw new Error(`Waits ${millis.toFixed(0)} ms for the spoilt cursor ${after}`);
  }
}
