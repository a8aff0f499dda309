import type { Context } from '../context.ts';
import type { SampleHistory } from '../replicas/sample-history.ts';

/** What one request of Grafana may use. */
export interface GrafanaContext {
  readonly context: Context;
  readonly history: Pick<SampleHistory, 'points' | 'changes'>;
  /** Milliseconds since 1970. */
  readonly now: number;
}
