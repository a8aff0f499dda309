import type { Random } from './random.ts';

const leaves = [
  'id',
  'callId',
  'accountId',
  'customerId',
  'cli',
  'cld',
  'cliIn',
  'cldIn',
  'setupTime',
  'connectTime',
  'disconnectTime',
  'durationSeconds',
  'billedSeconds',
  'chargedAmount',
  'disconnectCause',
  'disconnectReason',
  'outcome',
  'prefix',
  'country',
  'region',
  'currency',
  'pddSeconds',
  'userAgent',
  'remoteIp',
  'protocol',
  'releaseSource',
  '__typename',
];

const related = [
  'account { username }',
  'account { id currency blocked }',
  'account { username customer { name } }',
  'customer { id nodeId name }',
];

const conditions = [
  'accountIds: [14]',
  'accountIds: [14, 15]',
  'accountIds: [15]',
  'accountIds: []',
  'from: "2026-01-05T09:00:05Z"',
  'to: "2026-01-05T09:00:05Z"',
  'from: "2026-01-05T09:00:01Z", to: "2026-01-05T09:00:12.5Z"',
  'type: NON_ZERO',
  'type: NON_ZERO_AND_ERRORS',
  'type: ERRORS',
  'type: INCOMPLETE',
  'type: COMPLETE',
  'cli: { startsWith: "OWN" }',
  'cli: { contains: "漢’" }',
  'cld: { endsWith: "1" }',
  'cld: { is: "0" }',
  'cldIn: { startsWith: "OWN" }',
  'cliIn: { is: "1" }',
  'countries: ["é", "OWN1", "漢"]',
  'outcomes: [ANSWERED, NETWORK]',
  'disconnectCauses: [16, 17, 2147483647, -2147483648]',
  'customerIds: [3]',
  'customerIds: [4, "9223372036854775807"]',
  'minDurationSeconds: "1.5"',
  'maxDurationSeconds: "3000000000"',
  'remoteIp: "OWN1"',
];

export interface RandomList {
  /** Of the `cdrs` field, without page. */
  readonly args: string;
  readonly fields: readonly string[];
}

export function randomList(random: Random): RandomList {
  const count = random.pick([0, 0, 0, 1, 1, 2]);
  const chosen = count === 0 ? [] : random.some(conditions, count);
  // No condition twice: GraphQL refuses that.
  const names = new Set<string>();
  const filter = chosen.filter((each) => {
    const own = [...each.matchAll(/(\w+):(?! *\{)/g)].map(([, name]) => name!).concat(each.split(':')[0]!);
    if (own.some((name) => names.has(name))) return false;
    for (const name of own) names.add(name);
    return true;
  });
  const order = `orderBy: ${random.pick(['NEWEST_FIRST', 'OLDEST_FIRST'])}`;
  return {
    args: filter.length > 0 ? `filter: { ${filter.join(', ')} }, ${order}` : order,
    fields: [...random.some(leaves, 9), ...(random.chance(0.3) ? [random.pick(related)] : [])],
  };
}

export function documentOf({ args, fields }: RandomList, page: string, list: 'nodes' | 'edges'): string {
  const selection =
    list === 'nodes' ? `nodes { ${fields.join(' ')} }` : `edges { cursor node { ${fields.join(' ')} } }`;
  return `query ($at: String) { cdrs(${args}, ${page}) {
    ${selection} pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
}

export function fileDocumentOf({ args, fields }: RandomList): string {
  return `{ cdrs(${args}, first: 500) { nodes { ${fields.join(' ')} } } }`;
}

const dimensions = ['OUTCOME', 'COUNTRY', 'DISCONNECT_CAUSE', 'ACCOUNT', 'CUSTOMER', 'PREFIX', 'CURRENCY'];
export const buckets = ['DAY', 'DAY', 'HOUR', 'WEEK', 'MONTH'];
export const zones = ['UTC', 'America/Nuuk', 'America/Scoresbysund', 'Pacific/Apia', 'Australia/Lord_Howe'];
const measures =
  'attempts answered failed asr ner acdSeconds pddSeconds minutes billedMinutes chargedAmount shortCalls ' +
  'medianDurationSeconds p95PddSeconds peakCallsPerSecond unreadableCalls';

export interface RandomStatistics {
  readonly query: string;
  /** Whether a dimension is of time: its groups come in its order, wherever it is named. */
  readonly isByTime: boolean;
}

export function randomStatistics(random: Random): RandomStatistics {
  const groups = random.chance(0.3) ? [] : random.some(dimensions, 2);
  const isByTime = random.chance(0.5);
  if (isByTime) groups.splice(random.below(groups.length + 1), 0, random.pick(buckets));
  const filter = random.chance(0.3) ? `filter: { ${random.pick(conditions)} }, ` : '';
  const query = `{ cdrStats(${filter}groupBy: [${groups.join(', ')}], timeZone: "${random.pick(zones)}") {
    rows { bucket outcome country disconnectCause accountId customerId currency ${measures} } totals { ${measures} } } }`;
  return { query, isByTime };
}
