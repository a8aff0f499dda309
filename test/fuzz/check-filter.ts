import { matches, outcomeOf } from './expected-filter.ts';
import { type ExpectedRows, visibleTo } from './expected-rows.ts';
import type { FuzzClient, Principal } from './fuzz-client.ts';
import type { Random } from './random.ts';
import {
  filterBeyondLimits,
  type RandomFilter,
  randomFilter,
  type Spelling,
  spellFilter,
} from './random-filter.ts';
import { assertSame } from './same.ts';

const WHOLE = 500;

/** A filter finds the calls that it means, however it is written, whole and by pages, and counts are theirs. */
export async function checkFilters(
  random: Random,
  client: FuzzClient,
  principal: Principal,
  stored: ExpectedRows,
  count: number,
): Promise<void> {
  await checkOutcomes(client, principal, stored);
  for (let check = 0; check < count; check++) {
    const filter = randomFilter(random, stored, principal);
    if (isEmptyRange(filter))
      await checkRefused(client, principal, spellFilter(random, filter), 'INVALID_TIME_RANGE');
    else await checkFilter({ random, client, principal, stored }, filter);
  }
  await checkRefused(client, principal, spellFilter(random, filterBeyondLimits(random)), 'INVALID_ARGUMENT');
}

/** They are not stored, and worked out. */
async function checkOutcomes(client: FuzzClient, principal: Principal, stored: ExpectedRows): Promise<void> {
  const query = `{ cdrs(first: ${WHOLE}) { nodes { outcome } } }`;
  const { data } = await client.quietAnswer(query, principal, 'executed');
  const wanted = visibleTo(principal, stored).map((row) =>
    row.isKeyless ? null : { outcome: outcomeOf(stored.source, row) },
  );
  assertSame(data.cdrs.nodes, wanted, `${principal.name}: ${query}`);
}

/** Anywhere in it a range that ends before it begins. */
function isEmptyRange({ from, to, not, anyOf }: RandomFilter): boolean {
  if (from !== undefined && to !== undefined && from >= to) return true;
  return [not ?? [], anyOf ?? []].flat().some(isEmptyRange);
}

async function checkRefused(
  client: FuzzClient,
  principal: Principal,
  { literal, json }: Spelling,
  code: string,
): Promise<void> {
  const inDocument = `{ cdrs(first: 1, filter: ${literal}) { nodes { id } } }`;
  const inVariable = 'query ($filter: CdrFilter) { cdrs(first: 1, filter: $filter) { nodes { id } } }';
  assertSame(await client.refusal(inDocument, principal), code, inDocument);
  assertSame(await client.refusal(inVariable, principal, { filter: json }), code, inDocument);
}

interface Check {
  readonly random: Random;
  readonly client: FuzzClient;
  readonly principal: Principal;
  readonly stored: ExpectedRows;
}

async function checkFilter(check: Check, filter: RandomFilter): Promise<void> {
  const { random, client, principal, stored } = check;
  const isOldest = random.chance(0.5);
  const found = visibleTo(principal, stored).filter((row) => matches(stored, row, filter));
  const wanted = (isOldest ? found.toReversed() : found).map(({ isKeyless, key }) =>
    isKeyless ? null : { id: key },
  );
  const order = isOldest ? 'OLDEST_FIRST' : 'NEWEST_FIRST';
  const whole = await readPage(check, filter, `first: ${WHOLE}, orderBy: ${order}`);
  const about = `${principal.name}, ${order}: ${spellFilter(random, filter).literal}`;
  assertSame(whole.nodes, wanted, about);
  const size = 1 + random.below(9);
  const pages: unknown[] = [];
  for (let after: string | null = null; ; ) {
    const page = await readPage(check, filter, `first: ${size}, after: $after, orderBy: ${order}`, after);
    pages.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) break;
    after = page.pageInfo.endCursor;
    if (pages.length > WHOLE) throw new Error(`Pages without end: ${about}`);
  }
  assertSame(pages, wanted, `pages of ${size}, each written otherwise: ${about}`);
  const { literal } = spellFilter(random, filter);
  const counts = `{ cdrs(filter: ${literal}) { totalCount } cdrStats(filter: ${literal}) { totals { attempts } } }`;
  const { data } = await client.quietAnswer(counts, principal, 'executed');
  assertSame(
    [data.cdrs.totalCount, data.cdrStats.totals.attempts].map(Number),
    [found.length, found.length],
    about,
  );
}

interface Page {
  readonly nodes: readonly unknown[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** Each time another way to write the filter, in the document or in a variable. */
async function readPage(
  { random, client, principal }: Check,
  filter: RandomFilter,
  args: string,
  after: string | null = null,
): Promise<Page> {
  const { literal, json } = spellFilter(random, filter);
  const isInDocument = random.chance(0.5);
  const declared = [
    args.includes('$after') ? '$after: String' : '',
    isInDocument ? '' : '$filter: CdrFilter',
  ];
  const variables = declared.filter((each) => each !== '').join(', ');
  const query = `query ${variables && `(${variables})`} {
    cdrs(filter: ${isInDocument ? literal : '$filter'}, ${args}) { nodes { id } pageInfo { hasNextPage endCursor } } }`;
  const path = random.pick(['streamed', 'executed'] as const);
  const answer = await client.quietAnswer(
    query,
    principal,
    path,
    isInDocument ? { after } : { after, filter: json },
  );
  return answer.data.cdrs;
}
