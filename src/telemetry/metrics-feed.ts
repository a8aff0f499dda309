import { Counter, Gauge, type Registry } from 'prom-client';

/** Of the feed of calls, and of those who are told it. */
export interface FeedFigures {
  readonly level: string;
  /** Upper bound of the age of what was told; null when unknown, or while nobody is told anything. */
  readonly stalenessSeconds: number | null;
  readonly calls: number;
  readonly corrections: number;
  readonly statements: number;
  readonly openHoles: number;
  readonly subscriptions: number;
  readonly webSockets: number;
  readonly classes: number;
  readonly behind: number;
  readonly waitingBytes: number;
}

export interface FeedMetrics {
  /** Before each scrape; undefined where there is no feed. */
  show(figures: FeedFigures | undefined): void;
}

export function createFeedMetrics(registry: Registry): FeedMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string) => {
    const made = new Gauge({ name, help, registers });
    made.remove();
    return made;
  };
  const level = new Gauge({
    name: 'gateway_feed_level',
    help: '1 at the level at which calls are told as they arrive; replicationStatus.feed says why.',
    labelNames: ['level'],
    registers,
  });
  const staleness = gauge(
    'gateway_feed_lag_seconds',
    'Upper bound of the age of what subscribers were told. Absent when unknown, and while nobody subscribes.',
  );
  const holes = gauge(
    'gateway_feed_open_holes',
    'Runs of keys that others have overtaken and that are still expected.',
  );
  const subscriptions = gauge('gateway_subscriptions', 'Subscriptions that are open.');
  const webSockets = gauge('gateway_websockets', 'WebSockets that are open.');
  const classes = gauge(
    'gateway_subscription_classes',
    'Of those to calls, how many differ: each is written once.',
  );
  const behind = gauge(
    'gateway_subscriptions_behind',
    'Of those to calls, how many are fed from the database now.',
  );
  const waiting = gauge('gateway_subscription_waiting_bytes', 'Bytes that wait for slow subscribers.');
  const calls = new Counter({
    name: 'gateway_feed_calls_total',
    help: 'Calls that have arrived while somebody subscribed.',
    registers,
  });
  const corrections = new Counter({
    name: 'gateway_feed_corrections_total',
    help: 'Calls that were corrected or deleted while somebody subscribed.',
    registers,
  });
  const statements = new Counter({
    name: 'gateway_feed_statements_total',
    help: 'Statements of the feed, however many subscribe.',
    registers,
  });
  return {
    show(figures) {
      if (!figures) return;
      level.reset();
      level.set({ level: figures.level }, 1);
      if (figures.stalenessSeconds === null) staleness.remove();
      else staleness.set(figures.stalenessSeconds);
      holes.set(figures.openHoles);
      subscriptions.set(figures.subscriptions);
      webSockets.set(figures.webSockets);
      classes.set(figures.classes);
      behind.set(figures.behind);
      waiting.set(figures.waitingBytes);
      setTo(calls, figures.calls);
      setTo(corrections, figures.corrections);
      setTo(statements, figures.statements);
    },
  };
}

/** The feed counts by itself, whether anybody scrapes or not. */
function setTo(counter: Counter, value: number): void {
  counter.reset();
  counter.inc(value);
}
