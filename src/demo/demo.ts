import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HEAVY_ACCOUNT_ID } from './accounts.ts';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
import { DATABASE, openForGateway } from './database.ts';
import { DemoError } from './demo-error.ts';
import { type DemoOptions, demoHelp, parseDemoOptions } from './demo-options.ts';
import type { DemoReport } from './demo-report.ts';
import { explainFullDisk, requireDiskSpace } from './disk-space.ts';
import { explorerTokens, type RunningExplorer, startExplorer } from './explorer.ts';
import { buildExplorer } from './explorer-build.ts';
import { introduce, runFirstQuery } from './introduction.ts';
import { prepareCalls } from './kept-calls.ts';
import { findFreePort, isPortFree } from './ports.ts';
import type { PostgresNode } from './postgres-node.ts';
import { createProgress, type Progress, type Screen } from './progress.ts';
import { startTraffic } from './traffic.ts';
import { createTrafficModel } from './traffic-model.ts';

/** What the demo gets from its caller. */
export interface DemoDeps {
  /** Serves GraphQL, with the settings of `npm start`. */
  readonly startGateway: (environment: Readonly<Record<string, string>>) => Promise<RunningGateway>;
  /** Aborted when the demo is to end. */
  readonly signal: AbortSignal;
  readonly out?: Screen;
  /** For everything but the result. */
  readonly err?: Screen;
  /** Where PostgreSQL majors that do not come with `npm ci` are kept. Default: ~/.cache/cdr-gateway. */
  readonly cacheDir?: string | undefined;
}

export interface RunningGateway {
  /** Of GraphQL. */
  readonly url: string;
  close(): Promise<void>;
}

const EXPLORER = fileURLToPath(new URL('../../examples/nextjs', import.meta.url));
const INTERRUPTED = 130;
const HOST = '127.0.0.1';

/** Runs until the signal is aborted. Resolves with the exit code; throws a DemoError with one sentence. */
export async function runDemo(args: readonly string[], dependencies: DemoDeps): Promise<number> {
  const { signal, out = process.stdout, err = process.stderr } = dependencies;
  const options = parseDemoOptions(args);
  if (options === 'help') {
    out.write(demoHelp);
    return 0;
  }
  try {
    await using running = await startDemo(options, { ...dependencies, err });
    out.write(options.json ? `${JSON.stringify(running.report)}\n` : running.introduction);
    await aborted(signal);
    if (!options.json) err.write('\nStopping.\n');
    return 0;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    throw explainFullDisk(error);
  }
}

/** What is known before the gateway has its port. */
type ServerReport = Omit<DemoReport, 'graphqlUrl' | 'webUrl'>;

interface RunningDemo extends AsyncDisposable {
  readonly report: DemoReport;
  /** For a person: where everything is, and a first query with its answer. */
  readonly introduction: string;
}

async function startDemo(
  options: DemoOptions,
  { startGateway, signal, err, cacheDir }: DemoDeps & { err: Screen },
): Promise<RunningDemo> {
  const started = performance.now();
  const progress = createProgress(err);
  await requirePort(options.port, '--port');
  await requirePort(options.webPort ?? 0, '--web-port');
  await requireDiskSpace(options.dataDir ?? tmpdir(), 1 + options.replicas, options.cdrs);
  if (options.webPort !== undefined) await buildExplorer({ directory: EXPLORER, progress, signal });

  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await startPrimary(options, { cacheDir, signal, log: progress.say }));
  const model = createTrafficModel(options.seed);
  const gatewayPassword = await stoppedBy(signal, cluster, async () => {
    await prepareCalls({ cluster, options, model, progress, signal });
    const password = await openForGateway(cluster);
    await addReplicas(cluster, options.replicas, progress);
    return password;
  });

  const { rate } = options;
  const traffic = startTraffic({ primaryUrl: cluster.primary.url({ database: DATABASE }), model, rate });
  stack.defer(() => traffic.stop());
  const servers = describe(cluster);
  // Nobody is told: only the explorer signs with it.
  const jwtSecret = options.webPort === undefined ? undefined : token();
  const gateway = await startGateway({
    ...gatewaySettings(cluster, servers, gatewayPassword, options),
    ...(jwtSecret !== undefined && {
      JWT_SECRET: jwtSecret,
      JWT_ISSUER: explorerTokens.issuer,
      JWT_AUDIENCE: explorerTokens.audience,
      TRUSTED_DOCUMENTS: join(EXPLORER, 'src/generated/persisted-documents.json'),
    }),
  });
  stack.defer(() => gateway.close());
  const firstAnswer = await runFirstQuery(gateway.url, servers.tokens.admin, signal);
  const base: DemoReport = { graphqlUrl: gateway.url, ...servers };
  const explorer = await openExplorer(options, { gateway: base, jwtSecret, signal, progress });
  if (explorer) stack.defer(() => explorer.stop());
  progress.say(`Ready after ${((performance.now() - started) / 1000).toFixed(1)} s.`);

  const report = explorer ? { ...base, webUrl: explorer.url } : base;
  const kept = stack.move();
  return {
    report,
    introduction: introduce(report, firstAnswer, options),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Standbys come later: the load is quicker without them. */
async function startPrimary(
  { pg, dataDir }: DemoOptions,
  surroundings: Pick<ClusterOptions, 'cacheDir' | 'signal' | 'log'>,
): Promise<Cluster> {
  const settings = { shared_buffers: '128MB' };
  const cluster = await startCluster({ major: pg, replicas: 0, dataDir, settings, ...surroundings });
  surroundings.log?.(`Started PostgreSQL ${pg}.`);
  return cluster;
}

/** Work on the cluster's servers, which fails at once when the signal takes them away. */
async function stoppedBy<T>(signal: AbortSignal, cluster: Cluster, work: () => Promise<T>): Promise<T> {
  const stop = () => void cluster.stop();
  signal.addEventListener('abort', stop);
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
  }
}

function describe({ primary, replicas }: Cluster): ServerReport {
  return {
    primaryUrl: primary.url({ database: DATABASE }),
    replicaUrls: replicas.map((replica) => replica.url({ database: DATABASE })),
    tokens: { admin: token(), account: token() },
    accountId: String(HEAVY_ACCOUNT_ID),
  };
}

/** What a person would write into the environment of `npm start`. */
function gatewaySettings(
  { primary, replicas }: Cluster,
  { tokens, accountId }: ServerReport,
  password: string,
  { port, json }: DemoOptions,
): Record<string, string> {
  const urlOf = (node: PostgresNode) => node.url({ user: 'gateway', password, database: DATABASE });
  return {
    REPLICA_URLS: replicas.map(urlOf).join(','),
    PRIMARY_URL: urlOf(primary),
    API_HOST: HOST,
    API_PORT: String(port),
    ADMIN_TOKEN: tokens.admin,
    ACCOUNT_TOKEN: tokens.account,
    ACCOUNT_ID: accountId,
    NUMBERING_PLAN: sample('numbering-plan.sample.csv'),
    NUMBERING_OPERATORS: sample('numbering-operators.sample.csv'),
    // On standard output nothing may stand beside the line of JSON.
    LOG_LEVEL: json ? 'silent' : 'warn',
  };
}

/** Blocks and holders of our own invention, so that calls to France have carriers. */
function sample(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

async function requirePort(port: number, flag: string): Promise<void> {
  if (port === 0 || (await isPortFree(port, HOST))) return;
  throw new DemoError(`Port ${port} is in use: stop what listens there, or choose another one with ${flag}.`);
}

/** Undefined without --web. */
async function openExplorer(
  { webPort }: DemoOptions,
  {
    gateway,
    jwtSecret,
    signal,
    progress,
  }: {
    readonly gateway: DemoReport;
    readonly jwtSecret: string | undefined;
    readonly signal: AbortSignal;
    readonly progress: Progress;
  },
): Promise<RunningExplorer | undefined> {
  if (webPort === undefined || jwtSecret === undefined) return undefined;
  const explorer = await startExplorer({
    directory: EXPLORER,
    port: webPort === 0 ? await findFreePort() : webPort,
    gateway,
    jwtSecret,
    signal,
    onEnd: (why) => progress.say(`The call explorer ended; the rest goes on. ${why}`),
  });
  progress.say('Started the call explorer.');
  return explorer;
}

async function addReplicas(cluster: Cluster, count: number, progress: Progress): Promise<void> {
  const clones = Array.from({ length: count }, () => cluster.addReplica());
  const failed = (await Promise.allSettled(clones)).find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
  progress.say(`Cloned ${count} hot standby${count === 1 ? '' : 's'}; streaming.`);
}

const token = (): string => randomBytes(24).toString('base64url');

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
