import { InvalidArgumentError } from '../errors.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { findAnnotations } from './annotations.ts';
import { MAX_POINTS, parseSpan } from './body.ts';
import type { GrafanaContext } from './context.ts';
import { type Payload, parseCount, parsePayload } from './payload.ts';
import { chooseReplicas } from './replica-metrics.ts';
import { suggestName } from './suggestions.ts';
import { findTagValues } from './variables.ts';

/**
 * Flat rows for clients that read JSON over GET, as Infinity does: `?from=…&to=…&replica=…&points=…`, the times in
 * milliseconds or RFC 3339. What is unknown is null, and so is everything from times without samples.
 */
export function historyRows(query: URLSearchParams, grafana: GrafanaContext): readonly object[] {
  const span = parseSpanOrLastHour(query, grafana);
  const points = parseCount(parseParameters(query), 'points', { max: MAX_POINTS, fallback: 500 });
  const stepMillis = Math.ceil((span.to - span.from) / points);
  const rows = chooseReplicas(parseParameters(query), [], grafana).flatMap(({ name: replica }) =>
    grafana.history
      .points(replica, { ...span, stepMillis })
      .map(({ time, ...fields }) => ({ time, replica, ...fields })),
  );
  // In the order of time: Infinity makes lines of them only so.
  return rows.sort((a, b) => a.time - b.time);
}

/** Values to choose from, such as the accounts of the calls of a span: `?key=account&from=…&to=…`. */
export async function valueRows(query: URLSearchParams, grafana: GrafanaContext): Promise<readonly object[]> {
  checkNames(query, ['key', 'from', 'to']);
  const options = await findTagValues(query.get('key'), parseSpanOrLastHour(query, grafana), grafana);
  return options.map(({ label, value }) => ({ text: label, value }));
}

/** Changes of state as flat rows too. */
export function changeRows(query: URLSearchParams, grafana: GrafanaContext): readonly object[] {
  const replicas = chooseReplicas(parseParameters(query), [], grafana).map(({ name }) => name);
  return findAnnotations(replicas, parseSpanOrLastHour(query, grafana), grafana);
}

const HOUR_MILLIS = 3_600_000;

/** The last hour when no time is given. */
function parseSpanOrLastHour(query: URLSearchParams, { now }: GrafanaContext): TimeSpan {
  const from = query.get('from');
  const to = query.get('to');
  return from === null && to === null ? { from: now - HOUR_MILLIS, to: now } : parseSpan({ from, to });
}

function parseParameters(query: URLSearchParams): Payload {
  checkNames(query, ['from', 'to', 'replica', 'points']);
  // A variable may stand for several of them in one parameter.
  const replicas = query.getAll('replica');
  const replica = replicas.length === 1 ? replicas[0] : replicas;
  return parsePayload({ replica, points: query.get('points') }, 'The request');
}

function checkNames(query: URLSearchParams, known: readonly string[]): void {
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const name = unknown.slice(0, 80);
  throw new InvalidArgumentError(
    `There is no parameter "${name}".${suggestName(name, known)} There are: ${known.join(', ')}.`,
  );
}
