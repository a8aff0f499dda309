import type { AuditLog } from '../../src/access/audit/audit-log.ts';
import { createPrincipals } from '../../src/access/authentication.ts';
import { openBudget } from '../../src/access/budget/open-budget.ts';
import type { Principals } from '../../src/access/principals.ts';
import { type App, createApp } from '../../src/app.ts';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../src/db/reader.ts';
import type { Source } from '../../src/db/sources/sources.ts';
import { Feed } from '../../src/feed/feed.ts';
import { changesOf } from '../../src/feed/settings.ts';
import { TrustedDocuments } from '../../src/graphql/trusted-documents.ts';
import type { Handler } from '../../src/http/routes.ts';
import type { CarrierSource } from '../../src/numbering/carrier.ts';
import { createNumbering } from '../../src/numbering/numbering.ts';
import { createReplicas, type Replicas, type ReplicasOptions } from '../../src/replicas/replicas.ts';
import { createSampleHistory, type SampleHistory } from '../../src/replicas/sample-history.ts';
import { RollupFile } from '../../src/rollups/rollup-file.ts';
import { parseGatewaySettings } from '../../src/settings.ts';
import { createLogger } from '../../src/telemetry/logging.ts';

export const ADMIN_TOKEN = 'admin-token-of-the-tests';
export const ACCOUNT_TOKEN = 'account-token-of-the-tests';
/** The account that ACCOUNT_TOKEN sees. */
export const ACCOUNT_ID = '14';

export interface GraphQLAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape of the answer to its own query
  readonly data: any;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: {
      readonly code: string;
      readonly retryable: boolean;
      readonly [name: string]: unknown;
    };
  }[];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly extensions: any;
}

export interface Ask {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The whole gateway over real standbys, without a socket. */
export interface TestGateway extends AsyncDisposable {
  readonly fetch: Handler;
  readonly receive: App['receive'];
  readonly upgrades: App['upgrades'];
  endSubscriptions(): void;
  /** The class of requests that its server makes. */
  readonly Request: typeof Request;
  readonly replicas: Replicas;
  readonly feed: Feed;
  /** Undefined where the settings name no file. */
  readonly rollups: RollupFile | undefined;
  /** As the administrator unless told otherwise; resolves with the parsed body whatever the status. */
  query(document: string, variables?: object, ask?: Ask): Promise<GraphQLAnswer>;
  /** The response itself. */
  ask(document: string, variables?: object, ask?: Ask): Promise<Response>;
}

/** A gateway over the standbys of `replicaUrls`; settings are as in the environment. */
export async function createTestGateway(
  { replicaUrls }: { readonly replicaUrls: readonly string[] },
  {
    settings: environment = {},
    tuning = {},
    carriers,
    principals,
    plantSource = (source) => source,
    audit,
    history = createSampleHistory({ pollIntervalSeconds: 0.1 }),
    onLog,
  }: {
    settings?: Record<string, string>;
    tuning?: Partial<ReplicasOptions>;
    /** In place of what the settings name. */
    carriers?: CarrierSource;
    /** Who may ask, in place of the two tokens. */
    principals?: Principals;
    /** Calls are read from what this makes of the source. */
    plantSource?: (source: Source) => Source;
    /** Takes the lines of the audit. */
    audit?: Pick<AuditLog, 'write'>;
    /** What Grafana draws of the standbys; without it nothing, as it is told of no sample. */
    history?: SampleHistory;
    /** Told of each line of the log; without it there is none. */
    onLog?: (line: Record<string, unknown>) => void;
  } = {},
): Promise<TestGateway> {
  const settings = parseGatewaySettings({
    REPLICA_URLS: replicaUrls.join(','),
    ADMIN_TOKEN,
    ACCOUNT_TOKEN,
    ACCOUNT_ID,
    LOG_LEVEL: onLog ? 'info' : 'silent',
    ...environment,
  });
  const replicas = createReplicas({ replicaUrls, poolSize: 4, pollIntervalSeconds: 0.1, ...tuning });
  await replicas.firstLook;
  const first = await replicas.choose();
  const { source } = await checkSource(createDatabase(first.pool), settings.source.name);
  first.release();
  const numbering = createNumbering(settings.numbering);
  await numbering.firstRead;
  const readFrom = plantSource(source);
  const logger = createLogger(
    { level: settings.telemetry.logLevel },
    { write: (line) => onLog?.(JSON.parse(line)) },
  );
  const { budget, close: closeBudget } = await openBudget(settings.budget, logger);
  const feed = new Feed({ replicas, source: () => readFrom, changes: changesOf(settings.feed), logger });
  const { file, maxAgeSeconds } = settings.rollups;
  const kept = file === undefined ? undefined : new RollupFile({ path: file, maxAgeSeconds, logger });
  const { fetch, receive, upgrades, Request, endSubscriptions } = createApp({
    replicas,
    budget,
    kept,
    trusted: new TrustedDocuments(settings.documents),
    feed: {
      feed,
      maxSubscriptions: settings.feed.maxSubscriptions,
      maxWebSockets: settings.feed.maxWebSockets,
    },
    history,
    source: () => readFrom,
    carriers: carriers ?? numbering,
    principals: principals ?? createPrincipals(settings.access),
    logger,
    allowedOrigins: settings.http.allowedOrigins,
    maxStalenessSeconds: settings.replicas.maxStalenessSeconds,
    routes: [],
    audit,
  });

  const ask: TestGateway['ask'] = async (query, variables, { token = ADMIN_TOKEN, headers = {} } = {}) =>
    fetch(
      new Request('http://gateway/graphql', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
          authorization: `Bearer ${token}`,
          ...headers,
        },
        body: JSON.stringify({ query, variables }),
      }),
    );

  return {
    fetch,
    receive,
    upgrades,
    endSubscriptions,
    Request,
    replicas,
    feed,
    rollups: kept,
    ask,
    query: async (...parameters) => (await ask(...parameters)).json() as Promise<GraphQLAnswer>,
    async [Symbol.asyncDispose]() {
      endSubscriptions();
      feed.close();
      numbering.close();
      closeBudget();
      kept?.close();
      await replicas.close();
    },
  };
}
