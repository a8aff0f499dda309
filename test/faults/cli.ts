import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { faults } from './faults.ts';
import { describeLongList, MIN_CALLS, readLongList, writeLongList } from './long-list.ts';
import { defectsOf, writeTable } from './report.ts';
import { startRig } from './rig.ts';
import { type TrialReport, tryFault } from './trial.ts';

const HELP = `Usage: npm run test:faults -- [options]

Makes real faults on real servers under load, compares what two gateways say with what is true, and writes docs/faults.md.
Ends with 1 when an answer or a bound said to be younger than it was, a request failed while a standby was well, or
something did not recover.

  --only TEXT  Only faults whose group or name has this in it; docs/faults.md is left as it is
  --part I/N   Only the I-th of N parts, as many faults each; for --json
  --json FILE  Adds the reports to those in this file, and writes docs/faults.md when all faults are there
  --long-list N  Instead, one list of N calls (${MIN_CALLS} or more), while servers that send it die twice and the roles
               are exchanged; writes docs/long-list.md
  --pg MAJOR   PostgreSQL 14 to 18 (18)
  --list       The faults
  --help       This text`;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      part: { type: 'string', default: '1/1' },
      json: { type: 'string' },
      'long-list': { type: 'string' },
      pg: { type: 'string', default: '18' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(HELP);
  if (values.list) for (const { group, name } of faults) console.log(`${group}: ${name}`);
  if (values.help || values.list) return 0;
  if (values['long-list'] !== undefined) return tryLongList(Number(values['long-list']), Number(values.pg));
  const begun = performance.now();
  const reports = await tryAll(chooseFaults(values.only, values.part), Number(values.pg));
  const seconds = (performance.now() - begun) / 1000;
  const { all, totalSeconds } = await addToFile(values.json, reports, seconds);
  const isWhole = faults.every(({ group, name }) =>
    all.some((report) => report.group === group && report.fault === name),
  );
  if (isWhole)
    await writeFile('docs/faults.md', writeTable(all, { major: Number(values.pg), seconds: totalSeconds }));
  const defects = defectsOf(reports);
  for (const defect of defects) console.log(`DEFECT  ${defect}`);
  console.log(
    `${reports.length} faults in ${Math.round(seconds)} s, ${defects.length} defects${isWhole ? '; docs/faults.md is written' : ''}`,
  );
  return defects.length > 0 ? 1 : 0;
}

async function tryLongList(calls: number, major: number): Promise<number> {
  if (!(calls >= MIN_CALLS)) throw new Error(`--long-list: ${MIN_CALLS} or more`);
  const { signal } = stop;
  const report = await readLongList({ major, calls, signal, log: (line) => console.log(line) });
  await writeFile('docs/long-list.md', writeLongList(report, major));
  console.log(describeLongList(report));
  return report.defects.length > 0 ? 1 : 0;
}

function chooseFaults(only: string, part: string): typeof faults {
  const [index, count] = part.split('/').map(Number);
  if (!index || !count || index > count) throw new Error(`--part ${part}: such as 1/4`);
  const chosen = faults.filter(({ group, name }) => `${group}: ${name}`.includes(only));
  const size = Math.ceil(chosen.length / count);
  return chosen.slice((index - 1) * size, index * size);
}

async function tryAll(chosen: typeof faults, major: number): Promise<TrialReport[]> {
  const reports: TrialReport[] = [];
  await using rig = await startRig(major);
  for (const fault of chosen) {
    if (stop.signal.aborted) break;
    const report = await tryFault(rig, fault);
    reports.push(report);
    const { samples, requests, violations, doubted, failures, refused, longestSeconds, slowest } = report;
    const [noticed, recovered] = [report.noticedSeconds, report.recoveredSeconds].map(
      (time) => time?.toFixed(1) ?? '–',
    );
    console.log(
      `${fault.group}: ${fault.name}\n    ${samples} samples, ${requests} requests, ${violations.length} violations (${doubted} doubted), ` +
        `failed: ${failures || 0}, refused ${refused}, longest ${longestSeconds.toFixed(1)} (${slowest}), noticed ${noticed}, recovered ${recovered}`,
    );
    for (const violation of violations.slice(0, 3)) console.log(`    ${violation}`);
  }
  return reports;
}

/** A long run may be made in parts, each when the machine is quiet. */
async function addToFile(
  file: string | undefined,
  reports: readonly TrialReport[],
  seconds: number,
): Promise<{ all: readonly TrialReport[]; totalSeconds: number }> {
  if (file === undefined) return { all: reports, totalSeconds: seconds };
  const { readFile } = await import('node:fs/promises');
  const before = await readFile(file, 'utf8').then(JSON.parse, () => ({ reports: [], seconds: 0 }));
  const isNew = (old: TrialReport) =>
    !reports.some(({ group, fault }) => group === old.group && fault === old.fault);
  const all = [...before.reports.filter(isNew), ...reports];
  const order = (report: TrialReport) =>
    faults.findIndex(({ group, name }) => group === report.group && name === report.fault);
  all.sort((a, b) => order(a) - order(b));
  const totalSeconds = before.seconds + seconds;
  await writeFile(file, JSON.stringify({ reports: all, seconds: totalSeconds }));
  return { all, totalSeconds };
}
