import type { Context } from '../context.ts';
import type { SampleHistory } from '../replicas/sample-history.ts';
import type { Question, Target } from './body.ts';
import type { Frame } from './frames.ts';
import type { PayloadField, PayloadOption } from './payload.ts';

/** What one request may use. */
export interface Inquiry {
  readonly context: Context;
  readonly history: Pick<SampleHistory, 'points' | 'changes'>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Something a panel can ask for, as the plugin's editor shows it. */
export interface Metric {
  readonly value: string;
  readonly label: string;
  readonly payloads: readonly PayloadField[];
}

/** Metrics that are answered alike. */
export interface MetricGroup {
  readonly metrics: readonly Metric[];
  /** The frames of each target, in the order of the targets. Throws GatewayErrors. */
  answer(
    targets: readonly Target[],
    question: Question,
    inquiry: Inquiry,
  ): Promise<readonly (readonly Frame[])[]>;
  /** What may be chosen in a field of the payload whose options are not listed with it. */
  options(field: string, inquiry: Inquiry): Promise<readonly PayloadOption[]>;
}
