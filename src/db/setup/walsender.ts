import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { NOT_LOWER } from '../doctor/checks/parity.ts';
import { explainUnreachable } from '../doctor/unreachable.ts';
import { parseLsn } from './local-files.ts';
import { refuse } from './setup-error.ts';

/** Where a standby is to stream from, and as whom. */
export interface Upstream {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly role: string;
  readonly password: string;
  readonly sslmode: SslMode;
  readonly sslrootcert: string | undefined;
}

export type SslMode = 'verify-full' | 'verify-ca' | 'require' | 'disable';

/** What a primary says over the replication protocol, to a role that may do nothing but stream. */
export interface UpstreamFacts {
  readonly place: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Where older timelines ended, by their number. */
  readonly ends: ReadonlyMap<number, bigint>;
  readonly versionNumber: number;
  readonly version: string;
  readonly settings: ReadonlyMap<string, string>;
  /** Seconds by which its clock is ahead of ours. */
  readonly clockOffsetSeconds: number;
  /** Undefined where this version cannot say (14). */
  readonly hasSlot: boolean | undefined;
}

/** What a standby is given as much of as its upstream has. */
export const PARITY = [...NOT_LOWER, 'max_replication_slots'] as const;

/** They, and what a standby would take over with the files. */
export const UPSTREAM_SETTINGS = [...PARITY, 'port', 'ssl', 'ssl_cert_file', 'ssl_key_file'] as const;

const TIMEOUT_MS = 10_000;

/** Of several hosts the first that takes writes. Throws a SetupRefusedError where none does. */
export async function inspectUpstream(upstream: Upstream, slot: string): Promise<UpstreamFacts> {
  const standbys: string[] = [];
  const failures: string[] = [];
  for (const address of upstream.hosts) {
    const place = `${address.host}:${address.port}`;
    const client = createClient(upstream, address);
    try {
      await client.connect();
      if ((await show(client, 'in_hot_standby')) === 'on') standbys.push(place);
      else return await readFacts(client, place, slot);
    } catch (error) {
      failures.push(explain(place, upstream.role, error));
    } finally {
      await client.end().catch(() => {});
    }
  }
  if (standbys.length === 0) refuse(failures.join('\n'));
  return refuse(
    `${standbys.join(' and ')} is a standby, and a copy is taken of the primary: name that with --primary.`,
  );
}

function explain(place: string, role: string, error: unknown): string {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (code === '28000' || code === '28P01' || /no pg_hba/.test(message)) {
    return `${place} does not let ${role} in (${message.replace(/\.$/, '')}): run "setup primary" there for this host, with the same REPLICATION_PASSWORD.`;
  }
  return `${place} ${explainUnreachable(place, 'PRIMARY_URL', error).message}`.replace(/([^.?])$/, '$1.');
}

function createClient(upstream: Upstream, { host, port }: { host: string; port: number }): pg.Client {
  const url = new URL('postgresql://localhost/replication');
  url.searchParams.set('sslmode', upstream.sslmode);
  url.searchParams.set('uselibpqcompat', 'true');
  if (upstream.sslrootcert) url.searchParams.set('sslrootcert', upstream.sslrootcert);
  const { role, password } = upstream;
  const client = new pg.Client({
    connectionString: url.href,
    connectionTimeoutMillis: TIMEOUT_MS,
  });
  // What stands in a URL wins over what stands beside it.
  Object.assign(client, { host, port, user: role, password });
  const { connectionParameters } = client as unknown as { connectionParameters: object };
  Object.assign(connectionParameters, { host, port, user: role, password, replication: 'true' });
  client.on('error', () => {});
  return client;
}

async function show(client: pg.Client, name: string): Promise<string> {
  const { rows } = await client.query<Record<string, string>>(`SHOW ${name}`);
  return Object.values(rows[0]!)[0]!;
}

async function readFacts(client: pg.Client, place: string, slot: string): Promise<UpstreamFacts> {
  const { rows } = await client.query<{ systemid: string; timeline: number; xlogpos: string }>(
    'IDENTIFY_SYSTEM',
  );
  const timeline = Number(rows[0]!.timeline);
  const versionNumber = Number(await show(client, 'server_version_num'));
  const settings = new Map<string, string>();
  for (const name of UPSTREAM_SETTINGS) settings.set(name, await show(client, name));
  const hasSlot = versionNumber < 150_000 ? undefined : await findSlot(client, slot);
  return {
    place,
    systemIdentifier: rows[0]!.systemid,
    timeline,
    ends: timeline > 1 ? await readHistory(client, timeline) : new Map(),
    versionNumber,
    version: await show(client, 'server_version'),
    settings,
    hasSlot,
    // Last: from here on the connection streams.
    clockOffsetSeconds: await readClock(client, rows[0]!.xlogpos),
  };
}

/** Lines of number, end and reason. */
async function readHistory(client: pg.Client, timeline: number): Promise<ReadonlyMap<number, bigint>> {
  const { rows } = await client.query<{ content: string | Buffer }>(`TIMELINE_HISTORY ${timeline}`);
  const lines = rows[0]!.content.toString().split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, number, end] = /^(\d+)\s+(\S+)/.exec(line) ?? [];
      return number && end ? [[Number(number), parseLsn(end)] as const] : [];
    }),
  );
}

async function findSlot(client: pg.Client, slot: string): Promise<boolean> {
  const { rows } = await client.query<{ slot_type: string | null }>(`READ_REPLICATION_SLOT ${slot}`);
  return rows[0]?.slot_type === 'physical';
}

/** Makes the slot as the role that streams, which may. */
export async function createSlot(upstream: Upstream, place: string, slot: string): Promise<void> {
  const address = upstream.hosts.find(({ host, port }) => `${host}:${port}` === place)!;
  const client = createClient(upstream, address);
  await client.connect();
  try {
    await client.query(`CREATE_REPLICATION_SLOT ${slot} PHYSICAL RESERVE_WAL`);
  } catch (error) {
    // Version 14 cannot say whether it is there.
    if ((error as { code?: string }).code !== '42710') throw error;
  } finally {
    await client.end();
  }
}

const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const KEEPALIVE = 'k'.charCodeAt(0);

interface Streaming {
  on(event: 'copyData', listen: (message: { chunk: Buffer }) => void): void;
  once(event: 'replicationStart', listen: () => void): void;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

/** The replication protocol tells the time in keepalives alone, and one may be requested. */
async function readClock(client: pg.Client, position: string): Promise<number> {
  const { connection } = client as unknown as { connection: Streaming };
  const clock = new Promise<number>((resolve) => {
    let sentAt = Date.now();
    connection.once('replicationStart', () => {
      sentAt = Date.now();
      connection.sendCopyFromChunk(statusUpdate(position));
    });
    connection.on('copyData', ({ chunk }) => {
      if (chunk[0] !== KEEPALIVE) return;
      const at = Number(chunk.readBigInt64BE(9)) / 1000 + POSTGRES_EPOCH_MS;
      resolve((at - (sentAt + Date.now()) / 2) / 1000);
    });
  });
  connection.query(`START_REPLICATION PHYSICAL ${position}`);
  const late = delay(TIMEOUT_MS, undefined, { ref: false }).then(() => {
    throw new Error('It does not answer over the replication protocol.');
  });
  return Promise.race([clock, late]);
}

/** "Written, flushed and replayed up to here; answer at once." */
function statusUpdate(position: string): Buffer {
  const lsn = parseLsn(position);
  const message = Buffer.alloc(34);
  message.write('r', 0);
  for (const offset of [1, 9, 17]) message.writeBigUInt64BE(lsn, offset);
  message.writeBigInt64BE(BigInt(Date.now() - POSTGRES_EPOCH_MS) * 1000n, 25);
  message[33] = 1;
  return message;
}
