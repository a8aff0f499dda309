import type { Answer, FuzzClient, Principal } from './fuzz-client.ts';
import type { HttpResponse } from './http-request.ts';
import { documentOf, fileDocumentOf, type RandomList } from './random-request.ts';
import { assertSame } from './same.ts';

/** More calls than a table here has. */
const WHOLE = 500;

/** An item of a list, and which of its fields could not be shown. */
interface Item {
  readonly node: Readonly<Record<string, unknown>> | null;
  readonly failed: readonly string[];
}

/** One list in every way: whole, by pages of any size in both directions on both paths, and as files. */
export async function checkList(
  client: FuzzClient,
  principal: Principal,
  list: RandomList,
  size: number,
): Promise<void> {
  const whole = await walk(client, principal, list, WHOLE, false);
  for (const backwards of [false, true]) {
    const pages = await walk(client, principal, list, size, backwards);
    assertSame(
      pages,
      whole,
      `pages of ${size}${backwards ? ' backwards' : ''}: ${documentOf(list, '', 'nodes')}`,
    );
  }
  await checkLines(client, principal, list, whole);
  if (!list.fields.includes('__typename')) await checkCsv(client, principal, list, whole);
}

/** Every item of the list, put together in its order. */
async function walk(
  client: FuzzClient,
  principal: Principal,
  list: RandomList,
  size: number,
  backwards: boolean,
): Promise<readonly Item[]> {
  const page = backwards ? `last: ${size}, before: $at` : `first: ${size}, after: $at`;
  // Cursors are part of both paths' bytes too.
  const shape = size % 3 === 0 ? 'edges' : 'nodes';
  const document = documentOf(list, page, shape);
  let items: readonly Item[] = [];
  for (let at: string | null = null, pages = 0; ; pages++) {
    if (pages > WHOLE) throw new Error(`A walk without end: ${document}`);
    const answer = await client.sameOnBoth(document, principal, { at });
    const shown = itemsOf(answer, shape);
    items = backwards ? [...shown, ...items] : [...items, ...shown];
    const { hasNextPage, hasPreviousPage, startCursor, endCursor } = answer.data.cdrs.pageInfo;
    if (!(backwards ? hasPreviousPage : hasNextPage)) return items;
    at = backwards ? startCursor : endCursor;
    if (typeof at !== 'string') throw new Error(`The list goes on, and no cursor says where: ${document}`);
  }
}

function itemsOf({ data, errors }: Answer, shape: 'nodes' | 'edges'): Item[] {
  const depth = shape === 'nodes' ? 0 : 1;
  return (data.cdrs[shape] as ({ node: Item['node'] } | Item['node'])[]).map((item, index) => ({
    node: (shape === 'nodes'
      ? item
      : ((item as { node: Item['node'] } | null)?.node ?? null)) as Item['node'],
    failed: errors
      .filter(({ path }) => path?.[2] === index)
      .map(({ path }) => path!.slice(3 + depth).join('.'))
      .sort(),
  }));
}

/** What a file must hold: a call whose key cannot be read is left out, and counted. */
function inFile(whole: readonly Item[]): readonly Item[] {
  return whole.filter(({ node, failed }) => node !== null || !failed.includes(''));
}

async function checkLines(
  client: FuzzClient,
  principal: Principal,
  list: RandomList,
  whole: readonly Item[],
): Promise<void> {
  const document = fileDocumentOf(list);
  const response = await client.post(document, principal, { accept: 'application/x-ndjson' });
  const { text } = response;
  if (text !== '' && !text.endsWith('\n')) throw new Error(`The last line has no end: ${document}`);
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  const gap = lines.at(-1)?.error && lines.pop().error;
  const expected = inFile(whole);
  assertSame(lines.length, expected.length, document);
  checkGap(response, gap, whole, document);
  for (const [index, { node }] of expected.entries()) {
    if (node) assertSame(lines[index], node, document);
    // In a file a value that must be there costs itself alone.
    else if (lines[index] === null) throw new Error(`Line ${index} is null: ${document}`);
  }
}

async function checkCsv(
  client: FuzzClient,
  principal: Principal,
  list: RandomList,
  whole: readonly Item[],
): Promise<void> {
  const document = fileDocumentOf(list);
  const response = await client.post(document, principal, { accept: 'text/csv' });
  const { text } = response;
  const [header, ...records] = parseCsv(text);
  const lastLine = text.slice(text.lastIndexOf('\r\n', text.length - 3) + 2);
  const gap = /^# INCOMPLETE (.*)\r\n$/.exec(lastLine);
  if (gap) records.pop();
  checkGap(response, gap && factsOf(gap[1]!), whole, document);
  const expected = inFile(whole);
  assertSame(records.length, expected.length, document);
  for (const [index, { node }] of expected.entries()) {
    if (!node) continue;
    for (const [column, name] of header!.entries()) {
      const value = valueAt(node, name);
      const cell = records[index]![column];
      const said = value == null ? '' : String(value);
      const isGuarded = cell === `'${said}`;
      if (DANGEROUS.test(said) && !isGuarded && typeof value === 'string' && !/[iI]d$/.test(name)) {
        throw new Error(`A spreadsheet runs ${JSON.stringify(said)} in ${name}: ${document}`);
      }
      if (cell !== said && !isGuarded) {
        assertSame([index, name, cell], [index, name, said], document);
      }
    }
  }
}

/** What a file that is not whole says of itself. */
type Gap = Readonly<
  Record<'code' | 'rows' | 'unreadableCalls' | 'unreadableValues' | 'resumeAfter', unknown>
>;

function factsOf(text: string): Gap {
  return Object.fromEntries(text.split(' ').map((fact) => fact.split('='))) as Gap;
}

/** Its last line and HTTP say the same: what is not in it, if anything. */
function checkGap(
  { headers, trailers }: HttpResponse,
  gap: Gap | null | undefined,
  whole: readonly Item[],
  document: string,
): void {
  const inHttp = { ...headers, ...trailers } as Readonly<Record<string, string>>;
  const keyless = whole.length - inFile(whole).length;
  const values = whole.flatMap(({ failed }) => failed.filter((path) => path !== '')).length;
  assertSame(inHttp['x-complete'], String(keyless + values === 0), `X-Complete of ${document}`);
  if (keyless + values === 0) {
    assertSame([gap ?? null, inHttp['x-incomplete'] ?? null], [null, null], document);
    return;
  }
  const { code, rows, unreadableCalls, unreadableValues, resumeAfter } = gap!;
  const facts = { code, rows, unreadableCalls, unreadableValues, resumeAfter: resumeAfter ?? '' };
  const said = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  assertSame(inHttp['x-incomplete'], said.join(' '), `X-Incomplete of ${document}`);
  const counted = [code, Number(rows), Number(unreadableCalls), resumeAfter ?? ''];
  assertSame(counted, ['UNREADABLE_VALUE', whole.length - keyless, keyless, ''], document);
  // Of a call that is void in JSON, other values are not said to be unreadable there; nor are more than so many.
  const isCounted =
    whole.every(({ node, failed }) => node !== null || failed.includes('')) && keyless + values < MAX_NAMED;
  if (isCounted) assertSame(Number(unreadableValues), values, document);
}

/** A stream names so many unreadable values one by one. */
const MAX_NAMED = 100;

/** Of a header such as `account.username`. */
function valueAt(node: object, name: string): unknown {
  let value: unknown = node;
  for (const key of name.split('.')) value = (value as Record<string, unknown> | null)?.[key];
  return value;
}

/** What spreadsheets run, also behind what they drop. */
const DANGEROUS = /^[\s\p{Cc}\ufeff]*[=@＝＠]/u;

/** RFC 4180, for a reader who skips empty lines, as many do. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  let record: string[] = [];
  for (let match = cell.exec(text); match; match = cell.exec(text)) {
    if (match[0] === '\r\n' && record.length === 0) continue;
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
}
