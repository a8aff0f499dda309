import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Connections } from '../replicas/connections.ts';

export interface PoolMetrics {
  /** Counts this pool from now on, in place of an earlier one of the same name. The same pool may come again. */
  watch(name: string, connections: Connections): void;
  /** Before each scrape. */
  show(): void;
}

const ACQUIRE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createPoolMetrics(registry: Registry): PoolMetrics {
  const registers = [registry];
  const pools = new Map<string, Connections>();
  const connections = new Gauge({
    name: 'gateway_pg_pool_connections',
    help: 'Connections of the pool to a standby that are open, idle or used.',
    labelNames: ['pool', 'state'],
    registers,
  });
  const maximum = new Gauge({
    name: 'gateway_pg_pool_max_connections',
    help: 'Connections the pool may open.',
    labelNames: ['pool'],
    registers,
  });
  const pending = new Gauge({
    name: 'gateway_pg_pool_pending_requests',
    help: 'Statements that wait for a connection: every one is used, or the share of their principal.',
    labelNames: ['pool'],
    registers,
  });
  const waiting = new Gauge({
    name: 'gateway_pg_pool_waiting_statements',
    help: 'The same by the role of the principal that waits.',
    labelNames: ['pool', 'role'],
    registers,
  });
  const acquired = new Histogram({
    name: 'gateway_pg_pool_acquire_duration_seconds',
    help: 'How long a statement waited for a connection, got or not.',
    labelNames: ['pool'],
    buckets: ACQUIRE_BUCKETS,
    registers,
  });

  return {
    watch(name, pool) {
      if (pools.get(name) === pool) return;
      pools.set(name, pool);
      pool.onWaited = createObserver(acquired, name).observe;
    },
    show() {
      for (const gauge of [connections, maximum, pending, waiting]) gauge.reset();
      for (const [name, { pool, queue }] of pools) {
        connections.set({ pool: name, state: 'idle' }, pool.idleCount);
        connections.set({ pool: name, state: 'used' }, pool.totalCount - pool.idleCount);
        maximum.set({ pool: name }, pool.options.max);
        const byRole = queue.waitingByRole();
        for (const [role, count] of byRole) waiting.set({ pool: name, role }, count);
        pending.set(
          { pool: name },
          [...byRole.values()].reduce((sum, count) => sum + count, 0),
        );
      }
    },
  };
}

function createObserver(histogram: Histogram, pool: string) {
  histogram.zero({ pool });
  const child = histogram.labels({ pool });
  return { observe: (seconds: number) => child.observe(seconds) };
}
