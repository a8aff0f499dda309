import { choices } from '../../src/grafana/call-query.ts';
import { metrics } from '../../src/grafana/metric-list.ts';
import { ids } from './generated-questions.ts';
import { callsAt } from './matrix-site.ts';

/** Values that are offered to choose from: an own one, and a foreign one. */
export const valuesByKey: Readonly<Record<string, readonly [string, string]>> = {
  account: [ids.own.Account, ids.foreign.Account],
  customer: [ids.own.Customer, ids.foreign.Customer],
  country: ['United Kingdom', 'foreign'],
  region: ['London', 'foreign'],
  prefix: ['4420', 'foreign'],
  cause: ['16', '34'],
  release: ['callee', 'foreign'],
  outcome: ['ANSWERED', 'NETWORK'],
};

const isoOf = (millis: number) => new Date(millis).toISOString();
/** Of the calls: it ends before now, so that each request is of the same buckets. */
const rangeOfCalls = { from: isoOf(callsAt - 3_600_000), to: isoOf(callsAt + 1_800_000) };
/** Of the samples of the standbys, which begin now. */
const rangeOfSamples = { from: isoOf(callsAt), to: isoOf(callsAt + 7_200_000) };

export interface GrafanaRequest {
  readonly path: string;
  /** Without one it is a GET. */
  readonly body?: unknown;
}

/** Where the values of a choice are offered. */
export const requestsForValues = (key: string, variable: string): readonly GrafanaRequest[] => [
  { path: '/grafana/variable', body: { payload: { target: variable }, range: rangeOfCalls } },
  { path: '/grafana/search', body: { target: variable, range: rangeOfCalls } },
  { path: '/grafana/tag-values', body: { key, timeRange: rangeOfCalls } },
  { path: `/grafana/values?key=${key}&from=${rangeOfCalls.from}&to=${rangeOfCalls.to}` },
  { path: '/grafana/metric-payload-options', body: { metric: 'calls_table', name: key, payload: {} } },
];

/** Of what happened to the standbys. */
export const requestsForStandbys: readonly GrafanaRequest[] = [
  { path: '/grafana' },
  { path: '/grafana/history' },
  { path: '/grafana/changes' },
  { path: '/grafana/annotations', body: { annotation: { query: '' }, range: rangeOfSamples } },
];

/** What there is to ask for, which is no secret to anybody with a token. */
export const requestsForNames: readonly GrafanaRequest[] = [
  { path: '/grafana/metrics', body: {} },
  { path: '/grafana/tag-keys', body: {} },
];

export function queryOf(target: string, payload: object = {}): GrafanaRequest {
  const range = target.startsWith('replication_') ? rangeOfSamples : rangeOfCalls;
  return {
    path: '/grafana/query',
    body: { range, intervalMs: 1000, maxDataPoints: 500, targets: [{ refId: 'A', target, payload }] },
  };
}

/** One of each path, at least. */
export const grafanaRequests: readonly GrafanaRequest[] = [
  ...choices.flatMap(({ key, variable }) => requestsForValues(key, variable)),
  ...requestsForStandbys,
  ...requestsForNames,
  ...metrics.map(({ value }) => queryOf(value)),
];
