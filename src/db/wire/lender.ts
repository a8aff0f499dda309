import type { PoolClient } from 'pg';

/** Lends connections to one standby. Each is given back with its `release`. */
export interface Lender {
  connect(): Promise<PoolClient>;
}
