import { parseArgs } from 'node:util';
import { sourceSettings } from '../db/sources/settings.ts';
import { changesOf, feedSettings } from '../feed/settings.ts';
import { createHealthRoute } from '../http/health.ts';
import { createRouter } from '../http/routes.ts';
import { createGatewayServer } from '../http/server.ts';
import { CatalogueWatch } from '../replicas/catalogue-watch.ts';
import { createReplicas } from '../replicas/replicas.ts';
import { databaseSettings, replicaSettings } from '../replicas/settings.ts';
import { createRollupMetrics } from '../rollups/metrics.ts';
import { Rollups } from '../rollups/rollups.ts';
import { rollupSettings } from '../rollups/settings.ts';
import { describeSettings } from '../settings/describe.ts';
import { BadSettingsError, parseSettings } from '../settings/parse.ts';
import { type Environment, settingGroup } from '../settings/setting.ts';
import { createLogger } from '../telemetry/logging.ts';
import { telemetrySettings } from '../telemetry/settings.ts';
import { packageVersion } from '../telemetry/version.ts';

const settingsOfRollups = settingGroup({
  members: {
    databases: databaseSettings,
    source: sourceSettings,
    replicas: replicaSettings,
    feed: feedSettings,
    rollups: rollupSettings,
    telemetry: telemetrySettings,
  },
});

export function rollupsHelp(): string {
  return `Usage: cdr-gateway rollups

Keeps sums of the calls in a file, from which gateways beside it answer statistics; docs/rollups.md says how. It may be ended and
started at any time: the file is then built anew.

Reads REPLICA_URLS, PRIMARY_URL, CDR_SOURCE, FEED_PUBLICATION, FEED_USER, FEED_PASSWORD, LOG_LEVEL and METRICS_TOKEN as a gateway
does, and:

${describeSettings(rollupSettings)}
Exit code: 0 it was told to end, 1 a setting is wrong, or the databases cannot serve.
`;
}

/** Until the signal is aborted. Resolves with the exit code. */
export async function rollups(
  args: readonly string[],
  env: Environment,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const settings = parseSettings(settingsOfRollups, env);
  const changes = changesOf(settings.feed);
  const { file } = settings.rollups;
  if (file === undefined || !changes) throw new BadSettingsError(missing(settings));
  const logger = createLogger({ level: settings.telemetry.logLevel });
  await using opened = new AsyncDisposableStack();
  const replicas = opened.adopt(
    createReplicas({
      ...settings.databases,
      ...settings.replicas,
      poolSize: settings.replicas.maxConnections,
      logger,
    }),
    (each) => each.close(),
  );
  const catalogue = new CatalogueWatch({ replicas, sourceName: settings.source.name, logger });
  const kept = new Rollups({
    path: file,
    changes,
    replicas,
    source: (replica) => catalogue.sourceOf(replica),
    logger,
  });
  const health = createHealthRoute({
    isReady: () => kept.reason === undefined,
    problems: () => (kept.reason === undefined ? [] : [kept.reason]),
    isDraining: () => signal.aborted,
    standbys: () => replicas.snapshot().replicas,
  });
  const build = { version: packageVersion() };
  const metrics = createRollupMetrics(kept, { build, token: settings.telemetry.metricsToken });
  const router = createRouter([health, metrics]);
  const server = createGatewayServer((request) => router(request), {
    drainTimeoutSeconds: 1,
    onError: (error) => logger.error({ err: error }, 'a probe failed'),
  });
  const port = await server.listen(settings.rollups);
  opened.defer(async () => void (await server.close()));
  logger.info({ ...build, host: settings.rollups.host, port, file }, 'keeping rollups');
  await catalogue.findFirst(signal);
  void catalogue.watch(signal);
  await kept.run(signal);
  return 0;
}

function missing({
  rollups,
  feed,
}: {
  readonly rollups: { readonly file: string | undefined };
  readonly feed: { readonly publication: string | undefined };
}): string[] {
  const given = { ROLLUPS_FILE: rollups.file, FEED_PUBLICATION: feed.publication };
  return Object.entries(given)
    .filter(([, value]) => value === undefined)
    .map(([name]) => `${name}: it is needed to keep rollups`);
}
