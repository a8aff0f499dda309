import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HEAVY_ACCOUNT_ID } from './accounts.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { DATABASE, fillDatabase, openForGateway } from './database.ts';
import { DemoError } from './demo-error.ts';
import { type DemoOptions, demoHelp, parseDemoOptions } from './demo-options.ts';
import { explainFullDisk, requireDiskSpace } from './disk-space.ts';
import { askFirstQuestion, type DemoReport, introduce } from './introduction.ts';
import { isPortFree } from './ports.ts';
import type { PostgresNode } from './postgres-node.ts';
import { createProgress, type Progress, type Screen } from './progress.ts';
import { startTraffic } from './traffic.ts';
import { createTrafficModel, type TrafficModel } from './traffic-model.ts';

/** What the demo needs from outside. */
export interface DemoDependencies {
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

const INTERRUPTED = 130;
const HOST = '127.0.0.1';
/** Written when the calls of a data directory are complete. */
const MARKER = 'demo.json';

/** Runs until the signal is aborted. Resolves with the exit code; throws a DemoError with one sentence. */
export async function runDemo(args: readonly string[], dependencies: DemoDependencies): Promise<number> {
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

interface RunningDemo extends AsyncDisposable {
  readonly report: DemoReport;
  /** For a person: where everything is, and a first question with its answer. */
  readonly introduction: string;
}

async function startDemo(
  options: DemoOptions,
  { startGateway, signal, err, cacheDir }: DemoDependencies & { err: Screen },
): Promise<RunningDemo> {
  const started = performance.now();
  const progress = createProgress(err);
  await requirePort(options.port);
  await requireDiskSpace(options.dataDir ?? tmpdir(), 1 + options.replicas, options.cdrs);
  await using stack = new AsyncDisposableStack();
  const cluster = await startCluster({
    major: options.pg,
    replicas: 0,
    dataDir: options.dataDir,
    settings: { shared_buffers: '128MB' },
    cacheDir,
    signal,
    log: progress.say,
  });
  stack.use(cluster);
  progress.say(`Started PostgreSQL ${options.pg}.`);
  const model = createTrafficModel(options.seed);
  const giveUp = () => void cluster.stop();
  signal.addEventListener('abort', giveUp);
  try {
    await prepareCalls(cluster, options, { model, progress, signal });
    const gatewayPassword = await openForGateway(cluster);
    await addReplicas(cluster, options.replicas, progress);

    const traffic = startTraffic({
      primaryUrl: cluster.primary.url({ database: DATABASE }),
      model,
      rate: options.rate,
    });
    stack.defer(() => traffic.stop());
    const tokens = { admin: token(), account: token() };
    const accountId = String(HEAVY_ACCOUNT_ID);
    const urlForGateway = (node: PostgresNode) =>
      node.url({ user: 'gateway', password: gatewayPassword, database: DATABASE });
    const gateway = await startGateway({
      REPLICA_URLS: cluster.replicas.map(urlForGateway).join(','),
      PRIMARY_URL: urlForGateway(cluster.primary),
      API_HOST: HOST,
      API_PORT: String(options.port),
      ADMIN_TOKEN: tokens.admin,
      ACCOUNT_TOKEN: tokens.account,
      ACCOUNT_ID: accountId,
      // On standard output nothing may stand beside the line of JSON.
      LOG_LEVEL: options.json ? 'silent' : 'warn',
    });
    stack.defer(() => gateway.close());
    const first = await askFirstQuestion(gateway.url, tokens.admin, signal);
    signal.throwIfAborted();
    progress.say(`Ready after ${((performance.now() - started) / 1000).toFixed(1)} s.`);

    const report: DemoReport = {
      graphqlUrl: gateway.url,
      primaryUrl: cluster.primary.url({ database: DATABASE }),
      replicaUrls: cluster.replicas.map((replica) => replica.url({ database: DATABASE })),
      tokens,
      accountId,
    };
    const kept = stack.move();
    return {
      report,
      introduction: introduce(report, first, options),
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

async function requirePort(port: number): Promise<void> {
  if (port === 0 || (await isPortFree(port, HOST))) return;
  throw new DemoError(`Port ${port} is in use: stop what listens there, or choose another one with --port.`);
}

interface Preparation {
  readonly model: TrafficModel;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Loads calls into a new cluster; a directory whose load did not end is left as empty as it was found. */
async function prepareCalls(cluster: Cluster, options: DemoOptions, preparation: Preparation): Promise<void> {
  const { cdrs, seed, dataDir } = options;
  const marker = dataDir === undefined ? undefined : join(resolve(dataDir), MARKER);
  if (cluster.isReused && marker) return goOnWith(marker, options, preparation.progress);
  try {
    await fillDatabase({ ...preparation, cluster, cdrs, now: new Date() });
    if (marker) await writeFile(marker, JSON.stringify({ cdrs, seed }));
  } catch (error) {
    const log = await readFile(cluster.primary.logFile, 'utf8').catch(() => '');
    await cluster.discard();
    throw explainFullDisk(error, log);
  }
}

async function goOnWith(marker: string, { cdrs, dataDir }: DemoOptions, progress: Progress): Promise<void> {
  const found = await readFile(marker, 'utf8').catch(() => undefined);
  if (found === undefined) {
    throw new DemoError(
      `${dataDir} was left behind by a demo that ended before its calls were loaded: remove it and start again.`,
    );
  }
  const loaded: { cdrs: number } = JSON.parse(found);
  const remark =
    loaded.cdrs === cdrs ? '' : ` (loaded with --cdrs ${loaded.cdrs}; remove it to load ${cdrs})`;
  progress.say(`Going on with the calls in ${dataDir}${remark}.`);
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
