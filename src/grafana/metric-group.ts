import type { QueryRequest, Target } from './body.ts';
import type { GrafanaContext } from './context.ts';
import type { Frame } from './frames.ts';
import type { PayloadField, PayloadOption } from './payload.ts';

/** What a panel can draw, as the plugin's editor shows it. */
export interface Metric {
  readonly value: string;
  readonly label: string;
  readonly payloads: readonly PayloadField[];
}

/** Metrics that are answered alike. */
export interface MetricGroup {
  readonly metrics: readonly Metric[];
  /** Points of `graphql/cost.ts`: what reading the targets is worth. */
  cost(targets: readonly Target[]): number;
  /** The frames of each target, in the order of the targets. Throws GatewayErrors. */
  answer(
    targets: readonly Target[],
    request: QueryRequest,
    grafana: GrafanaContext,
  ): Promise<readonly (readonly Frame[])[]>;
  /** What may be chosen in a field of the payload whose options are not listed with it. */
  options(field: string, grafana: GrafanaContext): Promise<readonly PayloadOption[]>;
}
