import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Child, startChild, until } from './child.ts';
import { jwt } from './explorer-process.ts';
import { freePort } from './ports.ts';

const root = join(import.meta.dirname, '../../../..');
const require = createRequire(join(root, 'package.json'));

/** What the demo prints. */
interface DemoReport {
  readonly primaryUrl: string;
  readonly replicaUrls: readonly string[];
  readonly tokens: { readonly admin: string; readonly account: string };
  readonly accountId: string;
}

export interface Databases extends DemoReport {
  /** One statement on the primary. */
  onPrimary(sql: string): Promise<void>;
  /** Until it is disposed of nothing is written to the table of calls. */
  holdWrites(): Promise<AsyncDisposable>;
  /** One statement on every standby, such as to pause its replay. */
  onStandbys(sql: string): Promise<void>;
  stop(): Promise<void>;
}

/** The gateway's own demo: a primary, two standbys and live calls. Its gateway is not used: ours is killed at times. */
export async function startDatabases(cdrs: number): Promise<Databases> {
  const child = startChild(['src/cli.ts', 'demo', '--json', '--port', '0', '--cdrs', String(cdrs)], {
    cwd: root,
  });
  const line = await until(
    'the demo is ready',
    () => {
      if (child.process.exitCode !== null) throw new Error(`The demo ended:\n${child.errors()}`);
      return child.output().includes('\n') && child.output();
    },
    240,
  );
  const report = JSON.parse(line) as DemoReport;
  await keepLedger(report.primaryUrl);
  return {
    ...report,
    onPrimary: (sql) => run(report.primaryUrl, sql),
    async holdWrites() {
      const client = await connect(report.primaryUrl);
      // Standbys hear of no lock but the strongest, so that they are read as ever.
      await client.query('begin; lock table xdrs in exclusive mode');
      return { [Symbol.asyncDispose]: () => client.end() };
    },
    async onStandbys(sql) {
      await Promise.all(report.replicaUrls.map((url) => run(url, sql)));
    },
    stop: () => child.stop(),
  };
}

/** So that corrections and deletions are told. */
async function keepLedger(url: string): Promise<void> {
  const child = startChild(['src/cli.ts', 'migrate', 'up', '--with', 'ledger', '--url', url], { cwd: root });
  const code = await until('the primary keeps a ledger', () => child.process.exitCode ?? undefined);
  if (code !== 0) throw new Error(`There is no ledger:\n${child.output()}${child.errors()}`);
}

async function run(connectionString: string, sql: string): Promise<void> {
  const client = await connect(connectionString);
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function connect(connectionString: string) {
  const { Client } = require('pg') as typeof import('pg');
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}

export interface RunningGateway {
  readonly url: string;
  /** Without a word to its clients. */
  kill(): Promise<void>;
  /** On the same port. */
  startAgain(): Promise<void>;
  /** The log, one JSON line per request. */
  log(): string;
  stop(): Promise<void>;
}

/** By which the gateway knows what the explorer signs. */
export const signedByExplorer = {
  JWT_SECRET: jwt.secret,
  JWT_ISSUER: jwt.issuer,
  JWT_AUDIENCE: jwt.audience,
};

/** `npm start` over the demo's databases. */
export async function startGateway(
  { primaryUrl, replicaUrls, tokens, accountId }: DemoReport,
  settings: Readonly<Record<string, string>> = signedByExplorer,
): Promise<RunningGateway> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/graphql`;
  const start = async (): Promise<Child> => {
    const child = startChild(['src/cli.ts', 'serve'], {
      cwd: root,
      env: {
        REPLICA_URLS: replicaUrls.join(','),
        PRIMARY_URL: primaryUrl,
        ADMIN_TOKEN: tokens.admin,
        ACCOUNT_TOKEN: tokens.account,
        ACCOUNT_ID: accountId,
        ...settings,
        TRUSTED_DOCUMENTS: 'examples/nextjs/src/generated/persisted-documents.json',
        API_PORT: String(port),
        GRAPHIQL: 'false',
        NUMBERING_PLAN: 'src/demo/numbering-plan.sample.csv',
        NUMBERING_OPERATORS: 'src/demo/numbering-operators.sample.csv',
      },
    });
    await until('the gateway is ready', async () => {
      if (child.process.exitCode !== null) throw new Error(`The gateway ended:\n${child.errors()}`);
      return (await fetch(url.replace('/graphql', '/readyz')).catch(() => undefined))?.ok;
    });
    return child;
  };
  let child = await start();
  return {
    url,
    kill: () => child.kill(),
    async startAgain() {
      child = await start();
    },
    log: () => child.output() + child.errors(),
    stop: () => child.stop(),
  };
}
