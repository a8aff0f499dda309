import { parseArgs } from 'node:util';
import { createHealthRoute } from '../http/health.ts';
import { createRouter } from '../http/routes.ts';
import { createGatewayServer } from '../http/server.ts';
import { describeSettings } from '../settings/describe.ts';
import { BadSettingsError, parseSettings } from '../settings/parse.ts';
import { type Environment, settingGroup } from '../settings/setting.ts';
import { publishedDocument } from '../sinks/document.ts';
import { readGatewayEvents } from '../sinks/gateway-events.ts';
import { createPublisherMetrics } from '../sinks/metrics.ts';
import { openSink } from '../sinks/open-sink.ts';
import { Publisher } from '../sinks/publisher.ts';
import { type SinkSettings, sinkSettings } from '../sinks/settings.ts';
import { createLogger } from '../telemetry/logging.ts';
import { telemetrySettings } from '../telemetry/settings.ts';
import { packageVersion } from '../telemetry/version.ts';

const publishSettings = settingGroup({ members: { sinks: sinkSettings, telemetry: telemetrySettings } });

export function publishHelp(): string {
  return `Usage: cdr-gateway publish [--document]

Subscribes to the calls of a gateway and appends what has come, changed or gone to a stream of Redis or NATS. It goes on behind what
the stream holds last, so it may be ended and started at any time; docs/publishing.md says what the messages are.

  --document  Print the operation that it sends, for gateways that know the operations they answer, and end

Reads LOG_LEVEL and METRICS_TOKEN beside these:

${describeSettings(sinkSettings)}
Exit code: 0 it was told to end, 1 a setting is wrong, the gateway refuses, or the stream is not one of its own.
`;
}

interface PublishDeps {
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Until the signal is aborted. Resolves with the exit code. */
export async function publish(
  args: readonly string[],
  env: Environment,
  { print, signal }: PublishDeps,
): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { document: { type: 'boolean' } } });
  const { sinks, telemetry } = parseSettings(publishSettings, env);
  if (values.document) {
    print(publishedDocument(sinks.fields));
    return 0;
  }
  const logger = createLogger({ level: telemetry.logLevel });
  const publisher = new Publisher({ ...connections(sinks), logger });
  const build = { version: packageVersion() };
  const health = createHealthRoute({
    isReady: () => publisher.isUp,
    problems: () => (publisher.isUp ? [] : ['Changes are not published now.']),
    isDraining: () => signal.aborted,
    standbys: () => [],
  });
  const metrics = createPublisherMetrics(publisher, { build, token: telemetry.metricsToken });
  const router = createRouter([health, metrics]);
  const server = createGatewayServer((request) => router(request), {
    drainTimeoutSeconds: 1,
    onError: (error) => logger.error({ err: error }, 'a probe failed'),
  });
  const port = await server.listen(sinks);
  logger.info({ ...build, host: sinks.host, port, stream: sinks.stream }, 'publishing');
  try {
    await publisher.run(signal);
  } finally {
    await server.close();
  }
  return 0;
}

/** Throws a BadSettingsError with all that is missing. */
function connections({ from, token, to, stream, maxLength, fields }: SinkSettings) {
  if (from.length === 0 || token === undefined || to === undefined) {
    const given = { PUBLISH_FROM: from[0], PUBLISH_TOKEN: token, PUBLISH_TO: to };
    const missing = Object.entries(given).filter(([, value]) => value === undefined);
    throw new BadSettingsError(missing.map(([name]) => `${name}: it is needed to publish`));
  }
  const document = publishedDocument(fields);
  let attempts = 0;
  return {
    openSink: () => openSink({ url: to, stream, maxLength }),
    readFeed: (after: string | undefined, signal: AbortSignal) =>
      readGatewayEvents({ url: from[attempts++ % from.length]!, token, document, after, signal }),
  };
}
