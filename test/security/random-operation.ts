import { getNamedType, isInputObjectType, isLeafType, isObjectType } from 'graphql';
import { schema } from '../../src/schema/index.ts';
import { encodeNodeId } from '../../src/streaming/node-id.ts';
import type { Random } from '../fuzz/random.ts';

/** A request that a tenant may make, or should not. Without a body it is a GET. */
export interface RandomOperation {
  readonly path: string;
  readonly accept: string;
  readonly body: unknown;
}

/** Of what was answered before. */
export interface Known {
  /** Of answers to the tenant, and of answers to others. */
  readonly cursors: readonly string[];
}

/** Some are the tenant's own, some foreign, some nobody's. */
const accountIds = ['14', '15', '16', '17', '18', '19', '999', '0', '-1', '9223372036854775807'];
const customerIds = ['3', '4', '5', '6', '77'];
const callIds = ['1', '2', '5', '17', '60', '149', '1000000', '1000500', '1020999', '99999999'];
const instants = [
  ...['2025-03-01T00:00:00Z', '2025-03-05T12:00:00Z', '2025-03-14T00:00:00Z', '2026-01-01T00:00:00Z'],
  ...['2026-01-05T09:00:00Z', '2026-01-05T09:00:10Z', '2026-01-05T09:01:00Z', '2030-01-01T00:00:00Z'],
];

/** What a type has by the schema, so that a field of tomorrow is tried too. */
function fieldsOf(name: string) {
  const type = schema.getType(name);
  if (!isObjectType(type) && !isInputObjectType(type)) throw new Error(`The schema has no type ${name}.`);
  return Object.values(type.getFields());
}

function leavesOf(name: string): readonly string[] {
  return fieldsOf(name).flatMap((field) => (isLeafType(getNamedType(field.type)) ? [field.name] : []));
}

const accountLeaves = leavesOf('Account').join(' ');
const customerLeaves = leavesOf('Customer').join(' ');
const related = [
  'carrier { operator country }',
  'account { username }',
  `account { ${accountLeaves} customer { ${customerLeaves} } }`,
  `customer { ${customerLeaves} }`,
  'a: account { id b: customer { nodeId c: name __typename } }',
  '... on Cdr { account { ... on Node { nodeId } } }',
  '... on Cdr @include(if: true) { id }',
  'id @skip(if: true)',
  '__typename',
];
const leaves = [...leavesOf('Cdr'), ...related];
const measures = leavesOf('CdrStatsRow').join(' ');
const measureNames = leavesOf('CdrStatsRow')
  .map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
  .filter((name) => enumValues('StatsMeasure').includes(name));
const dimensions = enumValues('CdrDimension');

function enumValues(name: string): readonly string[] {
  const type = schema.getType(name);
  if (!type || !('getValues' in type)) throw new Error(`The schema has no enum ${name}.`);
  return type.getValues().map((value) => value.name);
}

const quoted = (values: readonly string[]) => `[${values.map((value) => `"${value}"`).join(', ')}]`;
const numberMatch = (random: Random) =>
  random.pick([
    '{ startsWith: "33" }',
    '{ startsWith: "4410" }',
    '{ contains: "00" }',
    '{ endsWith: "7" }',
    '{ is: "331004" }',
    '{ is: "x" }',
  ]);
const listOf =
  (...values: string[]) =>
  (random: Random) =>
    random.pick([quoted(random.some(values, 2)), '[]']);

/** What a filter may say, by the name of the part. */
const parts: Readonly<Record<string, (random: Random, depth: number) => string>> = {
  accountIds: (random) => quoted(random.some(accountIds, 4)),
  customerIds: (random) => quoted(random.some(customerIds, 3)),
  from: (random) => `"${random.pick(instants)}"`,
  to: (random) => `"${random.pick(instants)}"`,
  cli: numberMatch,
  cld: numberMatch,
  cliIn: numberMatch,
  cldIn: numberMatch,
  type: (random) => random.pick(enumValues('CdrType')),
  outcomes: (random) => random.pick(['[ANSWERED]', '[BUSY, NETWORK]', '[]']),
  disconnectCauses: (random) => random.pick(['[16]', '[17, 34]', '[99]']),
  countries: listOf('FRANCE', 'GERMANY'),
  prefixes: listOf('33', '44'),
  regions: listOf('Paris', 'Lyon'),
  releaseSources: listOf('caller', 'callee', ''),
  callIds: listOf('1', '2', 'a'),
  remoteIp: (random) => random.pick(['"192.0.2.10"', '"2001:db8::1"', '"nothing"']),
  minDurationSeconds: (random) => random.pick(['"1"', '"60"', '"1e9"', '"-1"']),
  maxDurationSeconds: (random) => random.pick(['"0"', '"60"']),
  minPddSeconds: (random) => random.pick(['"0.5"', '"4"']),
  not: (random, depth) => filterText(random, depth + 1),
  anyOf: (random, depth) => `[${filterText(random, depth + 1)}, ${filterText(random, depth + 1)}]`,
};

/** Parts of a filter that nobody tries here. */
export function untriedParts(): readonly string[] {
  return fieldsOf('CdrFilter').flatMap(({ name }) => (Object.hasOwn(parts, name) ? [] : [name]));
}

/** One filter for each part of it, with that part alone. */
export function filterOfEachPart(random: Random): readonly string[] {
  return Object.entries(parts).map(([name, write]) => `{ ${name}: ${write(random, 1)} }`);
}

const MAX_DEPTH = 2;

function filterText(random: Random, depth = 0): string {
  const names = random.chance(0.15) ? [] : random.some(Object.keys(parts), depth === 0 ? 3 : 2);
  const chosen = depth > MAX_DEPTH ? names.filter((name) => name !== 'not' && name !== 'anyOf') : names;
  return `{ ${chosen.map((name) => `${name}: ${parts[name]!(random, depth)}`).join(', ')} }`;
}

/** What is cut or wrong must be refused the same, whoever has calls. */
function damaged(random: Random, text: string): string {
  const at = random.below(text.length);
  return random.pick([
    () => text.slice(0, at),
    () => text.slice(0, at) + random.pick(['}', '"', 'x', '@skip(if: $no)', '999999999999']) + text.slice(at),
    () => text.replaceAll('first:', 'fist:'),
    () => text.replace('accountId', 'acountId'),
    () => text.replace('nodes', 'nods'),
  ])();
}

function listField(random: Random, { cursors }: Known, canCount: boolean): string {
  const args = [`filter: ${filterText(random)}`, `orderBy: ${random.pick(['NEWEST_FIRST', 'OLDEST_FIRST'])}`];
  const size = random.pick([0, 1, 3, 10, 40, 500, 100_000_000]);
  const isBackward = random.chance(0.3);
  args.push(`${isBackward ? 'last' : 'first'}: ${size}`);
  if (cursors.length > 0 && random.chance(0.4)) {
    args.push(`${isBackward ? 'before' : 'after'}: "${forged(random, random.pick(cursors))}"`);
  }
  const counts = canCount
    ? random.pick(['', 'totalCount', 'estimatedCount', 'totalCount estimatedCount'])
    : '';
  const fields = random.some(leaves, 6).join(' ');
  const list = random.pick([
    `nodes { ${fields} }`,
    `edges { cursor node { ${fields} } }`,
    `edges { node { ...Call } }`,
    `nodes { ${fields} } edges { cursor node { ...Call } }`,
  ]);
  return `cdrs(${args.join(', ')}) { ${list} ${counts} pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
}

/** Also with a place in the list that the client makes up. */
function forged(random: Random, cursor: string): string {
  if (random.chance(0.4)) return cursor;
  const bytes = Buffer.from(cursor, 'base64url');
  for (let count = 1 + random.below(3); count > 0; count--) {
    bytes[random.chance(0.7) ? bytes.length - 1 - random.below(16) : random.below(bytes.length)] =
      random.below(256);
  }
  return bytes.toString('base64url');
}

function statsField(random: Random): string {
  const groups = random.chance(0.3) ? [] : random.some(dimensions, 2);
  const more = random.pick([
    () => '',
    () => ', first: 3',
    () => `, orderBy: { measure: ${random.pick(measureNames)}, direction: DESC }, first: 2`,
    () => `, having: [{ measure: ${random.pick(measureNames)}, min: "${random.pick(['0', '5', '100'])}" }]`,
  ])();
  const zone = random.pick(['UTC', 'Europe/Paris', 'Australia/Lord_Howe', 'Nowhere/Else']);
  const row = `${measures} amountsByCurrency { currency calls }`;
  return `cdrStats(filter: ${filterText(random)}, groupBy: [${groups.join(', ')}], timeZone: "${zone}"${more}) {
    rows { ${row} account { username } customer { name } } totals { ${row} } }`;
}

const ANY_NODE = `__typename ... on Account { ${accountLeaves} } ... on Customer { ${customerLeaves} } ... on Cdr { id accountId cld }`;

function lookUpField(random: Random): string {
  const node = () =>
    random.pick([
      () => encodeNodeId({ type: 'Account', id: random.pick(accountIds) }),
      () => encodeNodeId({ type: 'Customer', id: random.pick(customerIds) }),
      () => encodeNodeId({ type: 'Cdr', id: random.pick(callIds) }),
      () => 'bm9uZQ',
    ])();
  return random.pick([
    () => `cdr(id: "${random.pick(callIds)}") { ${random.some(leaves, 5).join(' ')} }`,
    () => `account(id: "${random.pick(accountIds)}") { ${accountLeaves} customer { ${customerLeaves} } }`,
    () => `node(nodeId: "${node()}") { ${ANY_NODE} }`,
    () => `nodes(nodeIds: ["${node()}", "${node()}", "${node()}"]) { ${ANY_NODE} }`,
    () => 'viewer { name role scope accountIds customerIds permissions }',
    () =>
      'replicationStatus { status feed { level } replicas { name status reason lagSeconds receivedLsn } }',
    () => '__type(name: "Cdr") { fields { name description } }',
  ])();
}

const CALL =
  'fragment Call on Cdr { id accountId connectTime account { id username } ...Money } fragment Money on Cdr { chargedAmount currency }';

function withFragment(text: string): string {
  return text.includes('...Call') ? `${text}\n${CALL}` : text;
}

function documentText(random: Random, known: Known): string {
  const count = random.pick([1, 1, 1, 1, 2, 3]);
  const fields = Array.from({ length: count }, (_, index) => {
    const field = random.pick([
      () => listField(random, known, true),
      () => listField(random, known, true),
      () => statsField(random),
      () => lookUpField(random),
    ])();
    return count === 1 ? field : `a${index}: ${field}`;
  });
  const whole = withFragment(`{ ${fields.join('\n')} }`);
  return random.chance(0.06) ? damaged(random, whole) : whole;
}

/** The same list with its filter, size and place as variables. */
function withVariables(random: Random, { cursors }: Known) {
  const query = `query List($filter: CdrFilter, $first: Int, $after: String, $all: Boolean = true) {
    cdrs(filter: $filter, first: $first, after: $after) { nodes { id accountId ...Call } totalCount @include(if: $all) } }\n${CALL}`;
  const variables = {
    filter: {
      ...(random.chance(0.5) && { accountIds: random.some(accountIds, 3) }),
      ...(random.chance(0.5) && { customerIds: random.some(customerIds, 2) }),
      ...(random.chance(0.3) && { cld: { contains: random.pick(['00', '1', 'x']) } }),
      ...(random.chance(0.1) && { nothing: 1 }),
    },
    first: random.pick([0, 1, 7, 100, -1, null]),
    ...(cursors.length > 0 && random.chance(0.3) && { after: forged(random, random.pick(cursors)) }),
    all: random.pick([true, false, 'no']),
  };
  return { query, variables };
}

const grafanaTargets = [
  'attempts',
  'asr',
  'minutes',
  'charged_amount',
  'calls_table',
  'table:calls',
  'nothing_of_ours',
];

function grafana(random: Random): RandomOperation {
  const payload = {
    ...(random.chance(0.5) && { groupBy: random.pick(dimensions) }),
    ...(random.chance(0.5) && { accountIds: random.some(accountIds, 3).join(',') }),
    ...(random.chance(0.3) && { country: 'FRANCE' }),
    ...(random.chance(0.2) && { cld: '33' }),
  };
  const [from, to] = random.some(instants, 2).sort();
  const accept = 'application/json';
  return random.pick<() => RandomOperation>([
    () => ({
      path: '/grafana/query',
      accept,
      body: {
        range: { from, to: to ?? '2026-02-01T00:00:00Z' },
        intervalMs: 3_600_000,
        maxDataPoints: 100,
        targets: random
          .some(grafanaTargets, 2)
          .map((target, index) => ({ refId: String(index), target, payload })),
      },
    }),
    () => ({ path: '/grafana/variable', accept, body: { payload: { target: random.pick(dimensions) } } }),
    () => ({ path: '/grafana/search', accept, body: {} }),
    () => ({ path: `/grafana/values?of=${random.pick(dimensions)}`, accept, body: undefined }),
  ])();
}

const answers = [
  'application/graphql-response+json',
  'application/json',
  'multipart/mixed',
  'text/event-stream',
];

export function randomOperation(random: Random, known: Known): RandomOperation {
  const kind = random.next();
  if (kind < 0.07) return grafana(random);
  if (kind < 0.2) {
    const field = random.chance(0.7) ? listField(random, known, false) : statsField(random);
    const accept = random.pick(['text/csv', 'application/x-ndjson']);
    return { path: '/graphql', accept, body: { query: withFragment(`{ ${field} }`) } };
  }
  const accept = random.pick(answers);
  if (kind < 0.3) return { path: '/graphql', accept, body: withVariables(random, known) };
  const query = documentText(random, known);
  if (kind < 0.36) {
    return { path: `/graphql?${new URLSearchParams({ query })}`, accept, body: undefined };
  }
  return { path: '/graphql', accept, body: { query } };
}
