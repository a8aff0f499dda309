import type { Choice } from '../db/calls/cdr-dimensions.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { findCdrStats } from '../resolvers/cdr-stats.ts';
import { buildFilter, dimensions } from './call-query.ts';
import type { GrafanaContext } from './context.ts';
import { EMPTY_VALUE } from './interpolation.ts';
import { loadName } from './owner-names.ts';
import type { Payload, PayloadOption } from './payload.ts';

/** More than a list to choose from can usefully show. */
const MAX_VALUES = 500;

/** A value with the name of its account or customer. */
export interface CallValue extends PayloadOption {
  readonly name: string | null;
}

/** The values to choose from among the calls of a span, those with the most calls first. */
export async function findCallValues(
  choice: Choice,
  span: TimeSpan,
  payload: Payload,
  { context }: GrafanaContext,
  first = MAX_VALUES,
): Promise<readonly CallValue[]> {
  const dimension = dimensions.find((one) => one.choice === choice)!;
  const stats = await findCdrStats(context, {
    filter: { ...buildFilter(payload, []), from: BigInt(span.from) * 1000n, to: BigInt(span.to) * 1000n },
    groupBy: [dimension.name],
    timeZone: 'UTC',
    orderBy: { measure: 'attempts', direction: 'DESC' },
    first,
  });
  const rows = await stats.rows(['attempts']);
  const known = rows.filter((row) => row[dimension.field] !== null);
  return Promise.all(
    known.map(async (row) => {
      const value = String(row[dimension.field]);
      if (value === '') return { label: '(empty)', value: EMPTY_VALUE, name: null };
      const name = await loadName(dimension.name, value, context);
      // With the id in it: Grafana throws away one of two options with the same text.
      return { label: name === null ? value : `${name} (${value})`, value, name };
    }),
  );
}
