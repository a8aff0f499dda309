import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createPrincipals } from './access/principals.ts';
import { createApp } from './app.ts';
import { type Config, type Environment, parseConfig } from './config.ts';
import { checkSource, SourceUnusableError } from './db/catalogue/catalogue-check.ts';
import { createDatabase } from './db/reader.ts';
import type { Source } from './db/sources/sources.ts';
import { NoReplicaAvailableError } from './errors.ts';
import { createGraphiQL } from './graphiql/routes.ts';
import { createHealthRoute } from './http/health.ts';
import { createGatewayServer } from './http/server.ts';
import { createNumbering } from './numbering/numbering.ts';
import { createReplicas, type Replicas } from './replicas/replicas.ts';
import { createSampleHistory } from './replicas/sample-history.ts';
import { schema } from './schema/index.ts';
import { createLogger } from './telemetry/logging.ts';
import { createMetrics } from './telemetry/metrics.ts';
import type { Traces } from './telemetry/traces.ts';

/** A gateway that answers. */
export interface Gateway {
  /** `http://host:port/graphql`; the port is the real one when 0 was asked for. */
  readonly url: string;
  /** Drains running requests, then closes everything. */
  close(): Promise<void>;
}

/** How long the start waits for a first standby before it goes on without: then requests fail until one is there. */
const FIRST_STANDBY_SECONDS = 5;
const RETRY_MILLIS = 50;
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
export async function startGateway(env: Environment): Promise<Gateway> {
  const config = parseConfig(env);
  const logger = createLogger({ level: config.logLevel });
  const replicas = createReplicas(replicaSettings(config, logger));
  const numbering = createNumbering({ ...config.numbering, logger });
  const stopping = new AbortController();
  const build = { version: packageVersion() };
  let traces: Traces | undefined;
  try {
    traces = await openTraces(config, build.version, logger);
    const source = await findSource(replicas, config, logger, stopping.signal);
    const graphiql = config.graphiql
      ? createGraphiQL({ accountId: config.account?.accountIds[0] })
      : undefined;
    const health = createHealthRoute({
      isReady: () => replicas.ready(),
      isDraining: () => stopping.signal.aborted,
      standbys: () => replicas.snapshot().replicas,
    });
    const history = createSampleHistory({ pollIntervalSeconds: config.pollIntervalSeconds });
    replicas.onSample((sample) => history.note(sample));
    const app = createApp({
      history,
      metrics: createMetrics({ replicas, numbering, schema, build, token: config.metricsToken }),
      traces,
      replicas,
      source,
      carriers: numbering,
      principals: createPrincipals(config),
      logger,
      allowedOrigins: config.allowedOrigins,
      maxStalenessSeconds: config.maxStalenessSeconds,
      routes: [health, ...(graphiql ? [graphiql.route] : [])],
    });
    const server = createGatewayServer(app.fetch, {
      Request: app.Request,
      drainTimeoutSeconds: config.drainTimeoutSeconds,
      onError: (error) => logger.error({ err: error }, 'request failed outside GraphQL'),
    });
    await Promise.race([numbering.firstRead, delay(NUMBERING_MILLIS, undefined, { ref: false })]);
    const port = await server.listen(config);
    const host = config.host.includes(':') ? `[${config.host}]` : config.host;
    logger.info({ host, port, replicas: config.replicaUrls.length }, 'ready');
    graphiql?.prepare().catch((error: unknown) => logger.error({ err: error }, 'GraphiQL cannot be served'));
    return {
      url: `http://${host}:${port}/graphql`,
      async close() {
        logger.info('draining');
        stopping.abort();
        const drainedBy = performance.now() + config.drainTimeoutSeconds * 1000;
        const { cut } = await server.close();
        numbering.close();
        await replicas.close();
        await traces?.close(Math.max(drainedBy - performance.now(), MIN_FLUSH_MILLIS));
        logger.info({ cut }, 'stopped');
      },
    };
  } catch (error) {
    stopping.abort();
    numbering.close();
    await replicas.close();
    await traces?.close(0);
    throw error;
  }
}

/** What makes spans is loaded only where they are wanted: elsewhere the start is as fast, and the process as small. */
async function openTraces({ traces }: Config, version: string, logger: Logger): Promise<Traces | undefined> {
  if (!traces) return undefined;
  const { createTraces } = await import('./telemetry/traces.ts');
  return createTraces({ ...traces, version, logger });
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function replicaSettings(config: Config, logger: Logger) {
  return {
    replicaUrls: config.replicaUrls,
    primaryUrl: config.primaryUrl,
    poolSize: config.maxConnections,
    statementTimeoutSeconds: config.statementTimeoutSeconds,
    pollInterval: config.pollIntervalSeconds,
    readAfterWait: config.readAfterWaitSeconds,
    logger,
  };
}

/**
 * Looks at the catalogue of the first standby that answers. When none does in time, the gateway starts all the same,
 * and the look is taken as soon as one is there: a standby's restart must not become the gateway's.
 */
async function findSource(
  replicas: Replicas,
  config: Config,
  logger: Logger,
  stop: AbortSignal,
): Promise<() => Source> {
  let found: Source | undefined;
  const look = async () => {
    const replica = await replicas.choose({ signal: stop });
    try {
      const { source, warnings } = await checkSource(createDatabase(replica.pool), config.cdrSource);
      for (const warning of warnings) logger.warn(warning);
      found = source;
    } finally {
      replica.release();
    }
  };
  const lookUntilFound = async () => {
    while (!found && !stop.aborted) {
      await look().catch((error: unknown) => {
        if (error instanceof SourceUnusableError) throw error;
      });
      if (!found) await delay(RETRY_MILLIS, undefined, { signal: stop, ref: false }).catch(() => {});
    }
  };
  const looking = lookUntilFound();
  await Promise.race([looking, delay(FIRST_STANDBY_SECONDS * 1000, undefined, { ref: false })]);
  if (!found) {
    logger.warn('no standby answers yet; serving errors until one does');
    looking.catch((error) => logger.fatal({ err: error }, 'the databases cannot serve this source'));
  }
  return () => {
    if (!found) throw new NoReplicaAvailableError(['no standby has answered since the start']);
    return found;
  };
}
