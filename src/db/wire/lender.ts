import type { PoolClient } from 'pg';

/** Lends connections to one standby. Each is given back with its `release`. */
export interface Lender {
  connect(): Promise<PoolClient>;
  /** For a statement that another one of the same operation waits for, which keeps its connection meanwhile. */
  connectNested?(): Promise<PoolClient>;
}
