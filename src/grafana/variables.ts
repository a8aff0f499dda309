import { InvalidArgumentError } from '../errors.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { bucketNames } from './buckets.ts';
import { measures, measureViews } from './call-measures.ts';
import { choices, dimensions, filterFieldNames } from './call-query.ts';
import { findCallValues } from './call-values.ts';
import type { GrafanaContext } from './context.ts';
import { checkFields, type Payload, type PayloadOption, parseText } from './payload.ts';
import { suggestName } from './suggestions.ts';

type Find = (span: TimeSpan, payload: Payload, grafana: GrafanaContext) => Promise<readonly PayloadOption[]>;

/** Found in the calls of the time range, but for those that are always the same. */
const variables: Readonly<Record<string, Find>> = {
  replicas: async (_span, _payload, grafana) => replicaOptions(grafana),
  ...Object.fromEntries(
    choices.map((choice): [string, Find] => [
      choice.variable,
      (span, payload, grafana) => findCallValues(choice, span, payload, grafana),
    ]),
  ),
  buckets: async () => bucketNames.map((name) => ({ label: name, value: name })),
  dimensions: async () => dimensions.map(({ name, label }) => ({ label, value: name })),
  measures: async () =>
    measures.map((measure) => ({ label: measureViews[measure].label, value: measureViews[measure].metric })),
};
const variableNames = Object.keys(variables);

export const isVariable = (name: unknown): name is string =>
  typeof name === 'string' && Object.hasOwn(variables, name);

/** The values of a variable whose payload is `{ "target": "accounts" }`. Throws InvalidArgumentError. */
export async function findVariable(
  payload: Payload,
  span: TimeSpan,
  grafana: GrafanaContext,
): Promise<readonly PayloadOption[]> {
  const name = parseText(payload, 'target') ?? '';
  const find = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (!find) {
    throw new InvalidArgumentError(
      `There is no variable "${name.slice(0, 80)}".${suggestName(name, variableNames)} ` +
        `There are: ${variableNames.join(', ')}.`,
    );
  }
  const isOfCalls = choices.some(({ variable }) => variable === name);
  checkFields(payload, ['target', ...(isOfCalls ? filterFieldNames : [])], `The variable ${name}`);
  return find(span, payload, grafana);
}

/** What a dashboard may be filtered by. */
export const tagKeys: readonly string[] = ['replica', ...choices.map(({ key }) => key)];

/** Throws InvalidArgumentError. */
export async function findTagValues(
  key: unknown,
  span: TimeSpan,
  grafana: GrafanaContext,
): Promise<readonly PayloadOption[]> {
  if (key === 'replica') return replicaOptions(grafana);
  const choice = choices.find((one) => one.key === key);
  if (choice) return findCallValues(choice, span, {}, grafana);
  const near = typeof key === 'string' ? suggestName(key, tagKeys) : '';
  throw new InvalidArgumentError(`"key" must be one of ${tagKeys.join(', ')}.${near}`);
}

function replicaOptions({ context }: GrafanaContext): readonly PayloadOption[] {
  return context.replicas.snapshot().replicas.map(({ name }) => ({ label: name, value: name }));
}
