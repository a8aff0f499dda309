import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createPrincipals } from './access/principals.ts';
import { createApp } from './app.ts';
import { createGraphiQL } from './graphiql/routes.ts';
import { createHealthRoute } from './http/health.ts';
import { createGatewayServer, type GatewayServer } from './http/server.ts';
import { createNumbering, type Numbering } from './numbering/numbering.ts';
import { CatalogueWatch } from './replicas/catalogue-watch.ts';
import { createReplicas, type Replicas, type ReplicasOptions } from './replicas/replicas.ts';
import { createSampleHistory } from './replicas/sample-history.ts';
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
  /** Drains running requests, then closes everything. */
  close(): Promise<void>;
}

/** What is no setting, because nobody but a test has a reason to change it. */
export interface GatewayTuning {
  /** Between two looks at the catalogue of one standby. */
  readonly catalogueIntervalSeconds?: number;
}

/** How long the start waits for a first standby before it goes on without: then requests fail until one is there. */
const FIRST_STANDBY_SECONDS = 5;
/** How long the start waits for the numbering plan: an ordinary one is there long before a standby is. */
const NUMBERING_MILLIS = 500;
/** How long the last spans may take on their way even when requests took all the time there was for draining. */
const MIN_FLUSH_MILLIS = 500;

/** `npm start`: serves until the signal is aborted. Resolves with the exit code. */
export async function serve(env: Environment, stop: AbortSignal): Promise<number> {
  const gateway = await startGateway(env);
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
  const logger = createLogger({ level: settings.telemetry.logLevel });
  const replicas = createReplicas(replicasOptions(settings, logger));
  const numbering = createNumbering({ ...settings.numbering, logger });
  const stopping = new AbortController();
  let traces: Traces | undefined;
  try {
    const version = packageVersion();
    traces = await openTraces(settings, version, logger);
    const catalogue = new CatalogueWatch({
      replicas,
      sourceName: settings.source.name,
      logger,
      intervalSeconds: tuning.catalogueIntervalSeconds,
    });
    await watchCatalogue(catalogue, logger, stopping.signal);
    const parts = { settings, logger, replicas, numbering, traces, catalogue, version, stopping };
    const { server, graphiql } = assembleServer(parts);
    await Promise.race([numbering.firstRead, delay(NUMBERING_MILLIS, undefined, { ref: false })]);
    const url = await listen(server, parts);
    graphiql?.prepare().catch((error: unknown) => logger.error({ err: error }, 'GraphiQL cannot be served'));
    return { url, close: () => stop(server, parts) };
  } catch (error) {
    stopping.abort();
    numbering.close();
    await replicas.close();
    await traces?.close(0);
    throw error;
  }
}

/** What a gateway consists of, once the source of its calls has been checked. */
interface Parts {
  readonly settings: GatewaySettings;
  readonly logger: Logger;
  readonly replicas: Replicas;
  readonly numbering: Numbering;
  readonly traces: Traces | undefined;
  readonly version: string;
  /** Aborted when the gateway begins to drain. */
  readonly stopping: AbortController;
  readonly catalogue: CatalogueWatch;
}

function assembleServer({ settings, logger, replicas, numbering, catalogue, ...parts }: Parts) {
  const { access, http, telemetry } = settings;
  const graphiql = settings.graphiql.isServed
    ? createGraphiQL({ accountId: access.account?.accountIds[0] })
    : undefined;
  const health = createHealthRoute({
    isReady: () => replicas.ready() && catalogue.canList(),
    problems: () => catalogue.problems(),
    isDraining: () => parts.stopping.signal.aborted,
    standbys: () => replicas.snapshot().replicas,
  });
  const history = createSampleHistory({ pollIntervalSeconds: settings.replicas.pollIntervalSeconds });
  replicas.onSample((sample) => history.note(sample));
  const build = { version: parts.version };
  const app = createApp({
    history,
    metrics: createMetrics({ replicas, numbering, catalogue, schema, build, token: telemetry.metricsToken }),
    traces: parts.traces,
    replicas,
    source: (replica) => catalogue.sourceOf(replica),
    reread: (...failure) => catalogue.reread(...failure),
    carriers: numbering,
    principals: createPrincipals(access),
    logger,
    allowedOrigins: http.allowedOrigins,
    maxStalenessSeconds: settings.replicas.maxStalenessSeconds,
    routes: [health, ...(graphiql ? [graphiql.route] : [])],
  });
  const server = createGatewayServer(app.fetch, {
    Request: app.Request,
    refuse: app.refuse,
    receive: app.receive,
    drainTimeoutSeconds: http.drainTimeoutSeconds,
    onError: (error) => logger.error({ err: error }, 'request failed outside GraphQL'),
  });
  return { server, graphiql };
}

/** Resolves with the URL of the API. */
async function listen(server: GatewayServer, { settings, logger }: Parts): Promise<string> {
  const port = await server.listen(settings.http);
  const host = settings.http.host.includes(':') ? `[${settings.http.host}]` : settings.http.host;
  logger.info({ host, port, replicas: settings.databases.replicaUrls.length }, 'ready');
  return `http://${host}:${port}/graphql`;
}

async function stop(server: GatewayServer, parts: Parts): Promise<void> {
  const { settings, logger, replicas, numbering, traces, stopping } = parts;
  logger.info('draining');
  stopping.abort();
  const drainedBy = performance.now() + settings.http.drainTimeoutSeconds * 1000;
  const { cut } = await server.close();
  numbering.close();
  await replicas.close();
  await traces?.close(Math.max(drainedBy - performance.now(), MIN_FLUSH_MILLIS));
  logger.info({ cut }, 'stopped');
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
