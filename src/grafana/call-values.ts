import type { Choice } from '../db/calls/cdr-dimensions.ts';
import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { findCdrStats } from '../resolvers/cdr-stats.ts';
import type { JsonObject } from './body.ts';
import { buildFilter, dimensions } from './call-query.ts';
import type { GrafanaContext } from './context.ts';
import type { PayloadOption } from './payload.ts';

/** More than a list to choose from can usefully show. */
const MAX_VALUES = 500;

/** The values to choose from among the calls of a span, those with the most calls first. */
export async function findCallValues(
  choice: Choice,
  span: TimeSpan,
  payload: JsonObject,
  { context }: GrafanaContext,
): Promise<readonly PayloadOption[]> {
  const dimension = dimensions.find((one) => one.choice === choice)!;
  const stats = await findCdrStats(context, {
    filter: { ...buildFilter(payload, []), from: BigInt(span.from) * 1000n, to: BigInt(span.to) * 1000n },
    groupBy: [dimension.name],
    timeZone: 'UTC',
    orderBy: { measure: 'attempts', direction: 'DESC' },
    first: MAX_VALUES,
  });
  const rows = await stats.rows(['attempts']);
  const known = rows.filter((row) => row[dimension.field] !== null);
  return Promise.all(
    known.map(async (row) => ({
      label: await loadLabel(row, String(row[dimension.field]), context),
      value: String(row[dimension.field]),
    })),
  );
}

/** With the id in it: Grafana throws away one of two options with the same text. */
async function loadLabel(
  { accountId, customerId }: CdrStatsRow,
  value: string,
  { loaders }: GrafanaContext['context'],
): Promise<string> {
  if (accountId) return named((await loaders().account.load(accountId)).username, accountId);
  if (customerId) return named((await loaders().customer.load(customerId)).name, customerId);
  return value;
}

const named = (name: string | null, id: string): string => (name === null ? id : `${name} (${id})`);
