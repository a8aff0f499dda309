import pg from 'pg';
import { findPooling, type Pooling, TRANSACTION_POOLING } from '../../wire/pooling.ts';
import { identify, isSameServer, SEVERAL_SERVERS } from '../../wire/server-identity.ts';
import { checkServers } from '../check.ts';
import type { Finding } from '../finding.ts';
import { withHost } from '../server.ts';

const TIMEOUT_MS = 5_000;

const SESSION_POOLING =
  'It is reached through a pooler, which works as long as it leads to this server alone; better is the server itself.';

interface InBetween {
  readonly pooling: Pooling;
  readonly leadsToSeveral: boolean;
}

/** Whether something between the gateway and a server lends sessions, or leads to several servers. */
export const poolingCheck = checkServers(
  'pooling',
  ({ servers }) => servers,
  async ({ url, place }) => findingsOf(place, await lookInBetween(url)),
);

function findingsOf(server: string, { pooling, leadsToSeveral }: InBetween): readonly Finding[] {
  if (leadsToSeveral)
    return [{ code: 'SEVERAL_SERVERS', severity: 'problem', server, message: SEVERAL_SERVERS }];
  if (pooling === 'none') return [];
  return pooling === 'transaction'
    ? [{ code: 'POOLER_OF_TRANSACTIONS', severity: 'problem', server, message: TRANSACTION_POOLING }]
    : [{ code: 'POOLER_OF_SESSIONS', severity: 'warning', server, message: SESSION_POOLING }];
}

/** With session settings, as the gateway connects: a pooler may refuse them. */
async function lookInBetween(url: string): Promise<InBetween> {
  const clients: pg.Client[] = [];
  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: withHost(url),
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      application_name: 'cdr-gateway doctor',
      options: '-c default_transaction_read_only=on',
    });
    client.on('error', () => {});
    clients.push(client);
    await client.connect();
    return client;
  }
  try {
    const first = await connect();
    const pooling = await findPooling(first, connect);
    // Both are open, so that what takes turns gives two different servers.
    const other = clients[1] ?? (await connect());
    const leadsToSeveral = !isSameServer(await identify(first), await identify(other));
    return { pooling, leadsToSeveral };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}
