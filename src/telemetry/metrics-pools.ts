import type { Pool } from 'pg';
import { Gauge, Histogram, type Registry } from 'prom-client';

export interface PoolMetrics {
  /** Counts this pool from now on, in place of an earlier one of the same name. The same pool may come again. */
  watch(name: string, pool: Pool): void;
  /** Before each scrape. */
  show(): void;
}

const ACQUIRE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createPoolMetrics(registry: Registry): PoolMetrics {
  const registers = [registry];
  const pools = new Map<string, Pool>();
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
    help: 'Statements that wait for a connection because every one is used.',
    labelNames: ['pool'],
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
      const { observe } = createObserver(acquired, name);
      timeAcquisition(pool, observe);
    },
    show() {
      for (const gauge of [connections, maximum, pending]) gauge.reset();
      for (const [name, pool] of pools) {
        connections.set({ pool: name, state: 'idle' }, pool.idleCount);
        connections.set({ pool: name, state: 'used' }, pool.totalCount - pool.idleCount);
        maximum.set({ pool: name }, pool.options.max);
        pending.set({ pool: name }, pool.waitingCount);
      }
    },
  };
}

function createObserver(histogram: Histogram, pool: string) {
  histogram.zero({ pool });
  const child = histogram.labels({ pool });
  return { observe: (seconds: number) => child.observe(seconds) };
}

type Connect = Pool['connect'];
type Connected = Parameters<Parameters<Connect>[0]>;

/** node-postgres has an event for a connection that is lent, and none for the wait before: so `connect` is timed. */
function timeAcquisition(pool: Pool, observe: (seconds: number) => void): void {
  const connect: Connect = pool.connect.bind(pool);
  function timed(callback?: (...connected: Connected) => void) {
    const start = performance.now();
    const end = () => observe((performance.now() - start) / 1000);
    if (callback) {
      return connect((...connected) => {
        end();
        callback(...connected);
      });
    }
    const client = connect();
    client.then(end, end);
    return client;
  }
  pool.connect = timed as Connect;
}
