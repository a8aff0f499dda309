import type { ClientBase, Pool } from 'pg';

/** An API key as it is stored, in the table of the primary or in a file. Times are RFC 3339. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly scope: string;
  /** Of accounts or customers; empty for the scope `all`. */
  readonly scopeIds: readonly string[];
  /** SHA-256 of the key, in hexadecimal digits. */
  readonly digest: string;
  /** Empty: from anywhere. */
  readonly networks: readonly string[];
  /** Null: as is usual for the role. */
  readonly maxPage: number | null;
  readonly createdAt: string;
  /** Null: it does not expire. */
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

type Connection = Pick<Pool | ClientBase, 'query'>;

/** In a schema of the gateway's own. */
export const KEYS_TABLE = 'cdr_gateway.api_keys';
const EVERY_KEY = `select /* apiKeys */ id, name, role, scope, scope_ids::text[] as "scopeIds",
  encode(digest, 'hex') as digest, networks, max_page as "maxPage",
  ${instant('created_at')} as "createdAt", ${instant('expires_at')} as "expiresAt",
  ${instant('revoked_at')} as "revokedAt"
  from ${KEYS_TABLE} order by created_at, id`;

/** PostgreSQL's own clock may say "infinity", which is the same as no end. */
function instant(column: string): string {
  return `to_char(nullif(${column}, 'infinity') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

export interface KeysState {
  /** The same for as long as no key has changed. */
  readonly fingerprint: string;
  /** How far the standby had replayed before; null on a primary. */
  readonly replayedLsn: string | null;
}

/** Undefined: the database has no table of keys. Rejects where it may not be read. */
export async function selectKeysState(connection: Connection): Promise<KeysState | undefined> {
  const { rows: found } = await connection.query<{ there: boolean; lsn: string | null }>(
    `select /* apiKeysTable */ to_regclass('${KEYS_TABLE}') is not null as there,
      case when pg_is_in_recovery() then pg_last_wal_replay_lsn()::text end as lsn`,
  );
  if (!found[0]!.there) return undefined;
  const { rows } = await connection.query<{ fingerprint: string }>(
    `select /* apiKeysFingerprint */ count(*) || ' ' || coalesce(sum(hashtextextended(keys::text, 0)::numeric), 0)::text
      as fingerprint from ${KEYS_TABLE} as keys`,
  );
  return { fingerprint: rows[0]!.fingerprint, replayedLsn: found[0]!.lsn };
}

export async function selectKeys(connection: Connection): Promise<readonly StoredKey[]> {
  const { rows } = await connection.query<StoredKey>(EVERY_KEY);
  return rows;
}

export async function insertKey(connection: Connection, key: StoredKey): Promise<void> {
  await connection.query(
    `insert /* insertKey */ into ${KEYS_TABLE} (id, name, role, scope, scope_ids, digest, networks, max_page, created_at, expires_at)
      values ($1, $2, $3, $4, $5::bigint[], decode($6, 'hex'), $7::text[], $8, $9, $10)`,
    [
      key.id,
      key.name,
      key.role,
      key.scope,
      key.scopeIds,
      key.digest,
      key.networks,
      key.maxPage,
      key.createdAt,
      key.expiresAt,
    ],
  );
}

/** Ends the key at that time at the latest. False: there is none with this id. */
export async function expireKey(connection: Connection, id: string, at: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    `update /* expireKey */ ${KEYS_TABLE} set expires_at = least(coalesce(expires_at, 'infinity'), $2) where id = $1`,
    [id, at],
  );
  return rowCount === 1;
}

/** At once, and for ever. False: there is none with this id. */
export async function revokeKey(connection: Connection, id: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    `update /* revokeKey */ ${KEYS_TABLE} set revoked_at = coalesce(revoked_at, now()) where id = $1`,
    [id],
  );
  return rowCount === 1;
}
