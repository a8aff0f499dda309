import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { startCluster } from '../../src/demo/cluster.ts';
import { settingsOfLevel, soak, soakLevels } from './soak-run.ts';

const HELP = `Usage: npm run soak -- [options]

Writes calls, lets servers and gateways fail, and stops with a failure when a subscriber missed a call, was told one that it
may not see, or was told one twice without being warned.

  --minutes N    How long (30)
  --calm N       Minutes before it without faults, in which is measured how soon calls are told (1)
  --rate N       Calls per second (1000)
  --seed N       Of the faults and the transactions (1)
  --pg MAJOR     PostgreSQL 14 to 18 (18)
  --level LEVEL  INSERTS, LEDGER or LOGICAL: there calls are corrected and deleted too (INSERTS)
  --no-promote   Without killing the primary and promoting a standby
  --help         This text`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    calm: { type: 'string', default: '1' },
    rate: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    level: { type: 'string', default: 'INSERTS' },
    pg: { type: 'string', default: '18' },
    'no-promote': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function run(): Promise<boolean> {
  const level = soakLevels.find((each) => each === values.level);
  if (!level) throw new Error(`--level takes one of ${soakLevels.join(', ')}.`);
  await using cluster = await startCluster({
    major: Number(values.pg),
    replicas: 3,
    settings: settingsOfLevel(level),
  });
  const gatewayPassword = randomBytes(12).toString('hex');
  const client = new pg.Client({ connectionString: cluster.primary.url() });
  await client.connect();
  await client.query('create database calls');
  await client.end();
  await migrateToLatest(cluster.primary.url({ database: 'calls' }), { gatewayPassword });
  const report = await soak({
    cluster,
    database: 'calls',
    gatewayPassword,
    seed: Number(values.seed),
    seconds: Number(values.minutes) * 60,
    calmSeconds: Number(values.calm) * 60,
    callsPerSecond: Number(values.rate),
    level,
    promotes: !values['no-promote'],
    log: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  });
  const { callsPerSecond, lags } = report;
  console.log(JSON.stringify({ callsPerSecond, lagMillis: lags }));
  for (const { missed, stale, duplicates, foreign, ...facts } of report.clients) {
    const counts = {
      missed: missed.length,
      stale: stale.length,
      duplicates: duplicates.length,
      foreign: foreign.length,
    };
    const first = [...missed, ...stale, ...duplicates, ...foreign].slice(0, 10);
    console.log(JSON.stringify({ ...facts, ...counts, first }));
  }
  return report.clients.every(
    ({ missed, stale, duplicates, foreign }) =>
      missed.length + stale.length + duplicates.length + foreign.length === 0,
  );
}

if (values.help) console.log(HELP);
else if (!(await run())) process.exitCode = 1;
