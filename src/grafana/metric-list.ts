import { InvalidArgumentError } from '../errors.ts';
import { parseQueryRequest, type QueryRequest } from './body.ts';
import { callMetrics } from './call-metrics.ts';
import type { GrafanaContext } from './context.ts';
import type { Frame } from './frames.ts';
import type { JsonObject } from './json-object.ts';
import type { Metric, MetricGroup } from './metric-group.ts';
import { checkFields, type PayloadOption } from './payload.ts';
import { replicaMetrics } from './replica-metrics.ts';
import { suggestName } from './suggestions.ts';
import { tagKeys } from './variables.ts';

const groups: readonly MetricGroup[] = [replicaMetrics, callMetrics];

export const metrics: readonly Metric[] = groups.flatMap((group) => group.metrics);

/**
 * What `/query` is sent. Throws InvalidArgumentError or InvalidTimeRangeError: for a metric that does not exist, a field of
 * a payload that its metric does not have, and a filter by something else than `tagKeys`.
 */
export function parseQuery(body: JsonObject): QueryRequest {
  const request = parseQueryRequest(body);
  for (const { refId, metric, payload } of request.targets) {
    const fields = findMetric(metric).payloads.map(({ name }) => name);
    checkFields(payload, fields, `Query ${refId}: ${metric}`);
  }
  const unknown = request.filters.find(({ key }) => !tagKeys.includes(key))?.key.slice(0, 80);
  if (unknown === undefined) return request;
  throw new InvalidArgumentError(
    `There is no filter "${unknown}".${suggestName(unknown, tagKeys)} There are: ${tagKeys.join(', ')}.`,
  );
}

/** Points of `graphql/cost.ts`. */
export function costOfQuery({ targets }: QueryRequest): number {
  const byGroup = Map.groupBy(targets, ({ metric }) => findGroup(metric));
  return [...byGroup].reduce((sum, [group, ofGroup]) => sum + group.cost(ofGroup), 0);
}

/** The frames of a panel, in the order of its targets. Throws GatewayErrors. */
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
  const field = findMetric(metric).payloads.find(({ name }) => name === body.name);
  if (!field) throw new InvalidArgumentError(`"${metric}" has no payload field of that name.`);
  return field.options ?? findGroup(metric).options(field.name, grafana);
}

function findMetric(name: string): Metric {
  const metric = metrics.find(({ value }) => value === name);
  if (metric) return metric;
  const near = suggestName(
    name,
    metrics.map(({ value }) => value),
  );
  throw new InvalidArgumentError(
    `There is no metric "${name.slice(0, 80)}".${near} POST /grafana/metrics lists those there are.`,
  );
}

function findGroup(name: string): MetricGroup {
  const metric = findMetric(name);
  return groups.find((group) => group.metrics.includes(metric))!;
}
