import { InvalidArgumentError } from '../errors.ts';
import type { JsonObject, QueryRequest } from './body.ts';
import { callMetrics } from './call-metrics.ts';
import type { GrafanaContext } from './context.ts';
import type { Frame } from './frames.ts';
import type { Metric, MetricGroup } from './metric-group.ts';
import type { PayloadOption } from './payload.ts';
import { replicaMetrics } from './replica-metrics.ts';

const groups: readonly MetricGroup[] = [replicaMetrics, callMetrics];

export const metrics: readonly Metric[] = groups.flatMap((group) => group.metrics);

/** Points of `graphql/cost.ts`. Throws InvalidArgumentError for a metric that does not exist. */
export function costOfQuery({ targets }: QueryRequest): number {
  const byGroup = Map.groupBy(targets, ({ metric }) => findGroup(metric));
  return [...byGroup].reduce((sum, [group, ofGroup]) => sum + group.cost(ofGroup), 0);
}

/** The frames of a panel, in the order of its targets. Throws InvalidArgumentError for a metric that does not exist. */
export async function answerQuery(request: QueryRequest, grafana: GrafanaContext): Promise<readonly Frame[]> {
  const { targets } = request;
  const groupOfTarget = targets.map(({ metric }) => findGroup(metric));
  const frames: (readonly Frame[])[] = targets.map(() => []);
  for (const group of groups) {
    const places = targets.flatMap((_, index) => (groupOfTarget[index] === group ? [index] : []));
    if (places.length === 0) continue;
    const answers = await group.answer(
      places.map((index) => targets[index]!),
      request,
      grafana,
    );
    for (const [position, index] of places.entries()) frames[index] = answers[position]!;
  }
  return frames.flat();
}

/** `/metric-payload-options`. Throws InvalidArgumentError. */
export async function answerPayloadOptions(
  body: JsonObject,
  grafana: GrafanaContext,
): Promise<readonly PayloadOption[]> {
  const metric = typeof body.metric === 'string' ? body.metric : '';
  const group = findGroup(metric);
  const field = group.metrics
    .find(({ value }) => value === metric)!
    .payloads.find(({ name }) => name === body.name);
  if (!field) throw new InvalidArgumentError(`"${metric}" has no payload field of that name.`);
  return field.options ?? group.options(field.name, grafana);
}

function findGroup(metric: string): MetricGroup {
  const group = groups.find((one) => one.metrics.some(({ value }) => value === metric));
  if (group) return group;
  const name = metric.slice(0, 80);
  throw new InvalidArgumentError(
    `There is no metric "${name}". POST /grafana/metrics lists those there are.`,
  );
}
