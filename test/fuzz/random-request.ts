import type { Random } from './random.ts';

const leaves = [
  'id',
  'callId',
  'accountId',
  'customerId',
  'cli',
  'cld',
  'cliIn',
  'setupTime',
  'connectTime',
  'disconnectTime',
  'durationSeconds',
  'billedSeconds',
  'chargedAmount',
  'disconnectCause',
  'outcome',
  'prefix',
  'country',
  'region',
  'pddSeconds',
  'userAgent',
  '__typename',
];

const filters = [
  '',
  '',
  '',
  'filter: { accountIds: [14] }',
  'filter: { accountIds: [14, 15] }',
  'filter: { accountIds: [15] }',
  'filter: { from: "2026-01-05T09:00:05Z" }',
  'filter: { to: "2026-01-05T09:00:05Z" }',
  'filter: { type: NON_ZERO }',
  'filter: { cli: { startsWith: "own" } }',
  'filter: { cli: { contains: "漢’" } }',
  'filter: { countries: ["é", "own1"] }',
  'filter: { disconnectCauses: [16, 17] }',
  'filter: { customerIds: [3] }',
  'filter: { minDurationSeconds: "1.5" }',
];

export interface RandomList {
  /** Of the `cdrs` field, without page. */
  readonly filter: string;
  readonly order: string;
  readonly fields: readonly string[];
}

export function randomList(random: Random): RandomList {
  return {
    filter: random.pick(filters),
    order: `orderBy: ${random.pick(['NEWEST_FIRST', 'OLDEST_FIRST'])}`,
    fields: random.some(leaves, 9),
  };
}

export function documentOf(
  { filter, order, fields }: RandomList,
  page: string,
  list: 'nodes' | 'edges',
): string {
  const selection =
    list === 'nodes' ? `nodes { ${fields.join(' ')} }` : `edges { cursor node { ${fields.join(' ')} } }`;
  return `query ($at: String) { cdrs(${[filter, order, page].filter(Boolean).join(', ')}) {
    ${selection} pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
}

export function fileDocumentOf({ filter, order, fields }: RandomList): string {
  const args = [filter, order, 'first: 500'].filter(Boolean).join(', ');
  return `{ cdrs(${args}) { nodes { ${fields.join(' ')} } } }`;
}

export const statistics = [
  '{ cdrStats(groupBy: [OUTCOME]) { rows { outcome attempts answered minutes asr acdSeconds } totals { attempts } } }',
  '{ cdrStats(groupBy: [COUNTRY, DAY]) { rows { country bucket attempts chargedAmount } } }',
  '{ cdrStats(groupBy: [DISCONNECT_CAUSE]) { rows { disconnectCause attempts pddSeconds billedMinutes } } }',
];
