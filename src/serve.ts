import { setTimeout as delay } from 'node:timers/promises';
import type { DestinationStream, Logger } from 'pino';
import { AuditLog } from './access/audit/audit-log.ts';
import { type OpenBudget, openBudget } from './access/budget/open-budget.ts';
import { openSignIn, type SignIn } from './access/sign-in.ts';
import { createApp } from './app.ts';
import { Feed } from './feed/feed.ts';
import { changesOf } from './feed/settings.ts';
import { createGraphiQL } from './graphiql/routes.ts';
import { TrustedDocuments } from './graphql/trusted-documents.ts';
import { createHealthRoute } from './http/health.ts';
import { createGatewayServer, type GatewayServer } from './http/server.ts';
import { createNumbering, type Numbering } from './numbering/numbering.ts';
import { CatalogueWatch } from './replicas/catalogue-watch.ts';
import { KeyWatch } from './replicas/key-watch.ts';
import { createReplicas, type Replicas, type ReplicasOptions } from './replicas/replicas.ts';
import { createSampleHistory } from './replicas/sample-history.ts';
import type { RollupFile } from './rollups/rollup-file.ts';
import { schema } from './schema/index.ts';
import type { Environment } from './settings/setting.ts';
import { type GatewaySettings, parseGatewaySettings } from './settings.ts';
import { createLogger } from './telemetry/logging.ts';
import { createMetrics } from './telemetry/metrics.ts';
import type { Traces } from './telemetry/traces.ts';
import { packageVersion } from './telemetry/version.ts';

/** A gateway that answers. */
export interface Gateway {
  /** `http://host:port/graphql`; the real port when the setting is 0. */
  readonly url: string;
  /** Reads again what may change while it runs: where standbys are named. */
  reload(): Promise<void>;
  /** Drains running requests, then closes everything. */
  close(): Promise<void>;
}

/** What is no setting, because nobody but a test has a reason to change it. */
export interface GatewayTuning {
  /** Between two looks at the catalogue of one standby. */
  readonly catalogueIntervalSeconds?: number;
  /** Takes the lines of the log, in the place of stdout. */
  readonly log?: DestinationStream;
}

/** How long the start waits for a first standby before it goes on without: then requests fail until one is there. */
const FIRST_STANDBY_SECONDS = 5;
/** How long the start waits for files and the identity provider: they are commonly there long before a standby is. */
const FIRST_READ_MILLIS = 500;
/** How long the last spans may take on their way even when requests took all the time there was for draining. */
const MIN_FLUSH_MILLIS = 500;

/**
 * `npm start`: serves until the signal is aborted, and reloads whenever it is told to. Resolves with the exit code.
 */
export async function serve(
  env: Environment,
  stop: AbortSignal,
  onReload: (reload: () => void) => void = () => {},
): Promise<number> {
  let gateway: Gateway | undefined;
  // Before it has started there is nothing that could have been read too early.
  onReload(() => void gateway?.reload());
  gateway = await startGateway(env);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  await gateway.close();
  return 0;
}

/**
 * Starts a gateway from settings. Throws BadSettingsError, SourceUnusableError with every missing column, or
 * ListenError; standbys that are down stop nothing.
 */
export async function startGateway(env: Environment, tuning: GatewayTuning = {}): Promise<Gateway> {
  const settings = parseGatewaySettings(env);
  const logger = createLogger({ level: settings.telemetry.logLevel }, tuning.log);
  // Closed in reverse: when the gateway stops, and as far as it has come when it cannot start.
  await using opened = new AsyncDisposableStack();
  const parts = await openParts(opened, settings, logger, tuning);
  const { replicas, numbering, signIn, draining } = parts;
  const { app, server, graphiql } = assembleServer(parts);
  let cut = 0;
  opened.defer(async () => {
    draining.begin();
    // They would never end by themselves; their clients connect again, elsewhere.
    app.endSubscriptions();
    ({ cut } = await server.close());
  });
  const firstReads = Promise.all([numbering.firstRead, signIn.firstLook, watchTableKeys(parts)]);
  await Promise.race([firstReads, delay(FIRST_READ_MILLIS, undefined, { ref: false })]);
  const url = await listen(server, parts);
  graphiql?.prepare().catch((error: unknown) => logger.error({ err: error }, 'GraphiQL cannot be served'));
  const kept = opened.move();
  return {
    url,
    reload() {
      logger.info('reloading where standbys are named');
      return replicas.reload();
    },
    async close() {
      logger.info('draining');
      await kept.disposeAsync();
      logger.info({ cut }, 'stopped');
    },
  };
}

/** Opens what a gateway consists of, but for its server. */
async function openParts(
  opened: AsyncDisposableStack,
  settings: GatewaySettings,
  logger: Logger,
  { catalogueIntervalSeconds }: GatewayTuning,
): Promise<Parts> {
  const version = packageVersion();
  const draining = new Draining(settings.http.drainTimeoutSeconds);
  const audit = opened.adopt(await openAudit(settings, logger), (each) => each?.close());
  const traces = opened.adopt(await openTraces(settings, version, logger), (each) =>
    each?.close(draining.hasBegun ? Math.max(draining.millisLeft, MIN_FLUSH_MILLIS) : 0),
  );
  const replicas = opened.adopt(createReplicas(replicasOptions(settings, logger)), (each) => each.close());
  const budget = opened.adopt(await openBudget(settings.budget, logger), (each) => each.close());
  const numbering = opened.adopt(createNumbering({ ...settings.numbering, logger }), (each) => each.close());
  const signIn = opened.adopt(openSignIn(settings.access, logger), (each) => each.close());
  const trusted = new TrustedDocuments(settings.documents);
  const kept = opened.adopt(await openRollups(settings, logger), (each) => each?.close());
  opened.defer(() => draining.begin());
  const catalogue = new CatalogueWatch({
    replicas,
    sourceName: settings.source.name,
    logger,
    intervalSeconds: catalogueIntervalSeconds,
  });
  await watchCatalogue(catalogue, logger, draining.signal);
  const feed = opened.adopt(
    new Feed({
      replicas,
      source: (replica) => catalogue.sourceOf(replica),
      reread: (...failure) => catalogue.reread(...failure),
      changes: changesOf(settings.feed),
      logger,
    }),
    (each) => each.close(),
  );
  // A slot takes up to 45 seconds to begin: whoever subscribes later finds it at work.
  if (settings.feed.publication !== undefined) feed.join(() => {});
  return {
    settings,
    logger,
    replicas,
    feed,
    numbering,
    signIn,
    budget,
    trusted,
    traces,
    audit,
    catalogue,
    kept,
    version,
    draining,
  };
}

/** When the gateway stops: since when, and how long that may take. */
class Draining {
  readonly #begun = new AbortController();
  readonly #timeoutSeconds: number;
  #endsAt = 0;

  constructor(timeoutSeconds: number) {
    this.#timeoutSeconds = timeoutSeconds;
  }

  begin(): void {
    if (this.hasBegun) return;
    this.#endsAt = performance.now() + this.#timeoutSeconds * 1000;
    this.#begun.abort();
  }

  /** Aborted when it begins. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  get hasBegun(): boolean {
    return this.signal.aborted;
  }

  get millisLeft(): number {
    return this.#endsAt - performance.now();
  }
}

/** What a gateway consists of, once the source of its calls has been checked. */
interface Parts {
  readonly settings: GatewaySettings;
  readonly logger: Logger;
  readonly replicas: Replicas;
  readonly feed: Feed;
  readonly numbering: Numbering;
  readonly budget: OpenBudget;
  readonly trusted: TrustedDocuments;
  readonly signIn: SignIn;
  readonly traces: Traces | undefined;
  readonly audit: AuditLog | undefined;
  readonly version: string;
  readonly draining: Draining;
  readonly catalogue: CatalogueWatch;
  readonly kept: RollupFile | undefined;
}

function assembleServer({ settings, logger, replicas, feed, numbering, catalogue, ...parts }: Parts) {
  const { access, http, telemetry } = settings;
  const graphiql = settings.graphiql.isServed ? createGraphiQL() : undefined;
  const health = createHealthRoute({
    isReady: () => replicas.ready() && catalogue.canList(),
    problems: () => catalogue.problems(),
    isDraining: () => parts.draining.hasBegun,
    standbys: () => replicas.snapshot().replicas,
  });
  const history = createSampleHistory({ pollIntervalSeconds: settings.replicas.pollIntervalSeconds });
  replicas.onSample((sample) => history.note(sample));
  const build = { version: parts.version };
  const { budget } = parts.budget;
  const principals = parts.budget.guard(parts.signIn.principals);
  const app = createApp({
    history,
    metrics: createMetrics({
      replicas,
      numbering,
      catalogue,
      budget,
      signIn: principals,
      audit: parts.audit,
      kept: parts.kept,
      schema,
      build,
      token: telemetry.metricsToken,
    }),
    traces: parts.traces,
    audit: parts.audit,
    replicas,
    source: (replica) => catalogue.sourceOf(replica),
    reread: (...failure) => catalogue.reread(...failure),
    carriers: numbering,
    principals,
    budget,
    trusted: parts.trusted,
    kept: parts.kept,
    feed: {
      feed,
      maxSubscriptions: settings.feed.maxSubscriptions,
      maxWebSockets: settings.feed.maxWebSockets,
      compresses: http.compression !== 'off',
    },
    trustedProxies: access.trustedProxies,
    logger,
    allowedOrigins: http.allowedOrigins,
    maxStalenessSeconds: settings.replicas.maxStalenessSeconds,
    routes: [health, ...(graphiql ? [graphiql.route] : [])],
  });
  const server = createGatewayServer(app.fetch, {
    Request: app.Request,
    refuse: app.refuse,
    receive: app.receive,
    upgrades: app.upgrades,
    drainTimeoutSeconds: http.drainTimeoutSeconds,
    compression: http.compression,
    onError: (error) => logger.error({ err: error }, 'request failed outside GraphQL'),
  });
  return { app, server, graphiql };
}

/** Keys that are in the table come from the standbys, as soon as one is there. Resolves after the first look. */
async function watchTableKeys({ signIn, replicas, logger }: Parts): Promise<void> {
  const { tableKeys, closed } = signIn;
  if (!tableKeys) return;
  const watch = new KeyWatch({
    replicas,
    onKeys: (keys) => tableKeys.replace(keys),
    onProblem: (problem) => logger.warn({ problem }, 'the API keys cannot be read'),
  });
  void watch.watch(closed);
  await watch.firstLook;
}

/** Resolves with the URL of the API. */
async function listen(
  server: GatewayServer,
  { settings, logger, replicas, version }: Parts,
): Promise<string> {
  const port = await server.listen(settings.http);
  const host = settings.http.host.includes(':') ? `[${settings.http.host}]` : settings.http.host;
  logger.info({ version, host, port, replicas: replicas.snapshot().replicas.length }, 'ready');
  return `http://${host}:${port}/graphql`;
}

/** Rejects where the file cannot be opened: whoever wants an audit wants no answer without it. */
async function openAudit({ audit }: GatewaySettings, logger: Logger): Promise<AuditLog | undefined> {
  const { file, ...others } = audit;
  return file === undefined ? undefined : AuditLog.open({ ...others, file, logger });
}

/** What makes spans is loaded only where they are wanted: elsewhere the start is as fast, and the process as small. */
async function openTraces(
  { telemetry: { traces } }: GatewaySettings,
  version: string,
  logger: Logger,
): Promise<Traces | undefined> {
  if (!traces) return undefined;
  const { createTraces } = await import('./telemetry/traces.ts');
  return createTraces({ ...traces, version, logger });
}

/** Likewise: SQLite is loaded only where rollups are kept. */
async function openRollups(
  { rollups: { file, maxAgeSeconds } }: GatewaySettings,
  logger: Logger,
): Promise<RollupFile | undefined> {
  if (file === undefined) return undefined;
  const { RollupFile } = await import('./rollups/rollup-file.ts');
  return new RollupFile({ path: file, maxAgeSeconds, logger });
}

function replicasOptions({ databases, replicas }: GatewaySettings, logger: Logger): ReplicasOptions {
  return {
    ...databases,
    ...replicas,
    poolSize: replicas.maxConnections,
    logger,
  };
}

/**
 * Looks at the catalogue of the first standby that answers. When none does in time, the gateway starts all the same,
 * and the look is taken as soon as one is there: a standby's restart must not become the gateway's.
 */
async function watchCatalogue(watch: CatalogueWatch, logger: Logger, stop: AbortSignal): Promise<void> {
  const looking = watch.findFirst(stop);
  await Promise.race([looking, delay(FIRST_STANDBY_SECONDS * 1000, undefined, { ref: false })]);
  if (!watch.canList()) {
    logger.warn('no standby answers yet; serving errors until one does');
    looking.catch((error) => logger.fatal({ err: error }, 'the databases cannot serve this source'));
  }
  void watch.watch(stop);
}
