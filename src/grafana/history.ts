import { InvalidArgumentError } from '../errors.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { annotationsOf } from './annotations.ts';
import { type JsonObject, MAX_POINTS, parseSpan } from './body.ts';
import type { Inquiry } from './metric-group.ts';
import { countOf } from './payload.ts';
import { chosenReplicas } from './replica-metrics.ts';
import { findTagValues } from './variables.ts';

/**
 * Flat rows for whatever reads JSON over GET, as Infinity does: `?from=…&to=…&replica=…&points=…`, the times in
 * milliseconds or RFC 3339. What is unknown is null, and so is everything while nobody sampled.
 */
export function historyRows(query: URLSearchParams, inquiry: Inquiry): readonly object[] {
  const span = spanOf(query, inquiry);
  const points = countOf(payloadOf(query), 'points', { most: MAX_POINTS, fallback: 500 });
  const stepMillis = Math.ceil((span.to - span.from) / points);
  const rows = chosenReplicas(payloadOf(query), [], inquiry).flatMap(({ name: replica }) =>
    inquiry.history
      .points(replica, { ...span, stepMillis })
      .map(({ time, ...fields }) => ({ time, replica, ...fields })),
  );
  // In the order of time: Infinity makes lines of them only so.
  return rows.sort((a, b) => a.time - b.time);
}

/** Values to choose from, such as the accounts of the calls of a span: `?key=account&from=…&to=…`. */
export async function valueRows(query: URLSearchParams, inquiry: Inquiry): Promise<readonly object[]> {
  checkNames(query, ['key', 'from', 'to']);
  const options = await findTagValues(query.get('key'), spanOf(query, inquiry), inquiry);
  return options.map(({ label, value }) => ({ text: label, value }));
}

/** Changes of state in the same manner. */
export function changeRows(query: URLSearchParams, inquiry: Inquiry): readonly object[] {
  const replicas = chosenReplicas(payloadOf(query), [], inquiry).map(({ name }) => name);
  return annotationsOf(replicas, spanOf(query, inquiry), inquiry);
}

const HOUR_MILLIS = 3_600_000;

/** The last hour when no time is given. */
function spanOf(query: URLSearchParams, { now }: Inquiry): TimeSpan {
  const from = query.get('from');
  const to = query.get('to');
  return from === null && to === null ? { from: now - HOUR_MILLIS, to: now } : parseSpan({ from, to });
}

function payloadOf(query: URLSearchParams): JsonObject {
  checkNames(query, ['from', 'to', 'replica', 'points']);
  return { replica: query.getAll('replica'), points: query.get('points') };
}

function checkNames(query: URLSearchParams, known: readonly string[]): void {
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const name = unknown.slice(0, 80);
  throw new InvalidArgumentError(`There is no parameter "${name}". There are: ${known.join(', ')}.`);
}
