import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { findCdrStats } from '../resolvers/cdr-stats.ts';
import type { JsonObject } from './body.ts';
import { buildFilter, dimensions } from './call-query.ts';
import type { GrafanaContext } from './context.ts';
import type { PayloadOption } from './payload.ts';

/** More than a list to choose from can usefully show. */
const MAX_VALUES = 500;

/** The values of a filter's key among the calls of a span, those with the most calls first. */
export async function findCallValues(
  key: string,
  span: TimeSpan,
  payload: JsonObject,
  { context }: GrafanaContext,
): Promise<readonly PayloadOption[]> {
  const dimension = dimensions.find((one) => one.key === key)!;
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
      label: await loadLabel(row, context),
      value: String(row[dimension.field]),
    })),
  );
}

/** With the id in it: Grafana throws away one of two options with the same text. */
async function loadLabel(row: CdrStatsRow, { loaders }: GrafanaContext['context']): Promise<string> {
  const { accountId, customerId } = row;
  if (accountId) return named((await loaders().account.load(accountId)).username, accountId);
  if (customerId) return named((await loaders().customer.load(customerId)).name, customerId);
  return String(row.country ?? row.outcome ?? row.disconnectCause);
}

const named = (name: string | null, id: string): string => (name === null ? id : `${name} (${id})`);
