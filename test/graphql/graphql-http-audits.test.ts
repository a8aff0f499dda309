import { serverAudits } from 'graphql-http';
import { afterAll, expect, test } from 'vitest';
import { createPrincipals } from '../../src/access/authentication.ts';
import { createApp } from '../../src/app.ts';
import { NoReplicaAvailableError } from '../../src/errors.ts';
import { createReplicas } from '../../src/replicas/replicas.ts';
import { parseGatewaySettings } from '../../src/settings.ts';
import { createLogger } from '../../src/telemetry/logging.ts';

/** GraphQL over HTTP is as it should be even while no standby answers: nothing listens on port 1. */
const settings = parseGatewaySettings({
  REPLICA_URLS: 'postgresql://gateway@127.0.0.1:1/sippy',
  ADMIN_TOKEN: 'admin-token-of-the-audits',
  LOG_LEVEL: 'silent',
});
const replicas = createReplicas({ replicaUrls: settings.databases.replicaUrls, poolSize: 1 });
afterAll(() => replicas.close());

const app = createApp({
  replicas,
  source: () => {
    throw new NoReplicaAvailableError([]);
  },
  principals: createPrincipals(settings.access),
  logger: createLogger({ level: settings.telemetry.logLevel }),
  allowedOrigins: [],
  maxStalenessSeconds: undefined,
  routes: [],
});

const audits = serverAudits({
  url: 'http://gateway/graphql',
  fetchFn: (url: string, init: RequestInit = {}) =>
    app.fetch(
      new Request(url, {
        ...init,
        headers: {
          ...(init.headers as Record<string, string>),
          authorization: `Bearer ${settings.access.adminToken}`,
        },
      }),
    ),
});

test('graphql-http has 61 audits', () => {
  expect(audits).toHaveLength(61);
});

test.each(audits)('$id: $name', async (audit) => {
  const result = await audit.fn();

  expect(result.status, 'reason' in result ? result.reason : undefined).toBe('ok');
});

const get = (search: string, headers: Record<string, string> = {}) =>
  app.fetch(new Request(`http://gateway/graphql${search}`, { headers }));
const authorization = `Bearer ${settings.access.adminToken}`;

test('a query without a token is refused, and says what is missing', async () => {
  const response = await get('?query=%7B__typename%7D');

  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({
    errors: [{ message: expect.stringContaining('Authorization'), extensions: { code: 'UNAUTHENTICATED' } }],
  });
});

test('a query whose address ends like a probe is a query', async () => {
  const response = await get('?query=%7B__typename%7D&page=/health', { authorization });

  expect(await response.text()).toContain('Query');
});

test('a query for calls is 503 while no standby answers, for a dashboard to see', async () => {
  const response = await get('?query=%7Bcdr(id:1)%7Bid%7D%7D', { authorization });

  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'NO_REPLICA_AVAILABLE' } }] });
});

test('a query for the standbys is answered all the same', async () => {
  const response = await get('?query=%7BreplicationStatus%7Bstatus%7D%7D', { authorization });

  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ data: { replicationStatus: { status: 'DOWN' } } });
});
