import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../src/db/reader.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { createReplicas } from '../../src/replicas/replicas.ts';
import { Rollups } from '../../src/rollups/rollups.ts';
import type { TestDatabase } from '../support/postgres.ts';

/** What was logged, without the facts. */
export interface LoggedLine {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly facts: object;
}

/** The process that keeps rollups, within this one. */
export interface TestRollups extends AsyncDisposable {
  readonly rollups: Rollups;
  readonly path: string;
  readonly lines: readonly LoggedLine[];
}

export function createRollupsPath(): { readonly path: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'cdr-gateway-rollups-'));
  return {
    path: join(directory, 'rollups.db'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Between two looks. */
export const LOOK_MILLIS = 100;
const BUILD_MILLIS = 45_000;
const POLL_MILLIS = 200;

/** Resolves when the file is kept up to date. A slot waits for what a busy primary writes by itself. */
export async function untilBuilt({ rollups, lines }: TestRollups, primary: Pool, builds = 1): Promise<void> {
  const deadline = Date.now() + BUILD_MILLIS;
  while (rollups.figures.builds < builds || rollups.reason !== undefined) {
    if (Date.now() > deadline) {
      throw new Error(`The rollups were not built: ${rollups.reason}`, { cause: lines.at(-1)?.facts });
    }
    await primary.query('select pg_log_standby_snapshot()');
    await delay(POLL_MILLIS);
  }
}

export async function startRollups(
  { replicaUrls, primaryUrl }: Pick<TestDatabase, 'replicaUrls' | 'primaryUrl'>,
  path: string,
  { source: name = 'xdrs', publication = 'calls' }: { source?: SourceName; publication?: string } = {},
): Promise<TestRollups> {
  const replicas = createReplicas({ replicaUrls, poolSize: 4, pollIntervalSeconds: 0.1 });
  await replicas.firstLook;
  const first = await replicas.choose();
  const { source } = await checkSource(createDatabase(first.pool), name);
  first.release();
  const { username, password } = new URL(primaryUrl);
  const lines: LoggedLine[] = [];
  const rollups = new Rollups({
    path,
    replicas,
    source: () => source,
    lookMillis: LOOK_MILLIS,
    changes: { publication, user: username, password },
    logger: {
      info: (facts, message) => lines.push({ level: 'info', message, facts }),
      warn: (facts, message) => lines.push({ level: 'warn', message, facts }),
    },
  });
  const stop = new AbortController();
  const running = rollups.run(stop.signal);
  return {
    rollups,
    path,
    lines,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await replicas.close();
    },
  };
}
