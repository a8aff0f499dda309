import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { countByCode } from '../faults/load.ts';
import {
  defectsOf,
  MOVE_KINDS,
  type MoveKind,
  type MoveReport,
  moveLeader,
  needlessFailuresOf,
} from './move.ts';
import { type PatroniPrograms, patroniPrograms } from './patroni-cluster.ts';
import { startPatroniRig } from './patroni-rig.ts';

const HELP = `Usage: npm run test:patroni -- [options]

Starts etcd, three nodes under Patroni, HAProxy, PgBouncers and two gateways, moves the leader again and again under load,
and writes docs/patroni.md. Ends with 1 when a read failed, or an answer or a bound said to be younger than it was.

  --times N    Switch-overs, and as many killed leaders (20)
  --only TEXT  Only the kind whose name has this in it; docs/patroni.md is left as it is
  --dry        docs/patroni.md is left as it is
  --help       This text`;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      times: { type: 'string', default: '20' },
      only: { type: 'string', default: '' },
      dry: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (!patroniPrograms) {
    console.error(
      'patroni, etcd-server, haproxy and postgresql are needed: install these packages of Debian.',
    );
    return 2;
  }
  const begun = performance.now();
  const kinds = MOVE_KINDS.filter((kind) => kind.includes(values.only));
  const reports = await moveAll(patroniPrograms, kinds, Number(values.times));
  const seconds = (performance.now() - begun) / 1000;
  if (!values.dry && kinds.length === MOVE_KINDS.length && !stop.signal.aborted)
    await writeFile('docs/patroni.md', writePage(reports, { major: patroniPrograms.major, seconds }));
  const defects = reports.flatMap(defectsOf);
  for (const defect of defects) console.log(`DEFECT  ${defect}`);
  console.log(`${reports.length} leaders in ${Math.round(seconds)} s, ${defects.length} defects`);
  return defects.length > 0 ? 1 : 0;
}

async function moveAll(
  programs: PatroniPrograms,
  kinds: readonly MoveKind[],
  times: number,
): Promise<MoveReport[]> {
  await using rig = await startPatroniRig(programs);
  const reports: MoveReport[] = [];
  for (const kind of kinds) {
    for (let time = 1; time <= times && !stop.signal.aborted; time++) {
      const report = await moveLeader(rig, kind);
      reports.push(report);
      console.log(`${rowOf(report, time)} slowest: ${report.slowest}`);
      for (const defect of defectsOf(report)) console.log(`    ${defect}`);
    }
  }
  return reports;
}

interface PageFacts {
  readonly major: number;
  readonly seconds: number;
}

function writePage(reports: readonly MoveReport[], { major, seconds }: PageFacts): string {
  const sum = (count: (report: MoveReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0).toLocaleString('en');
  const sections = [...Map.groupBy(reports, ({ kind }) => kind)].map(
    ([kind, moves]) => `## ${kind === 'switch-over' ? 'Switch-overs' : 'Killed leaders'}

| | leader | samples | requests | violations | failed | refused | longest | without leader | whole |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${moves.map((move, index) => rowOf(move, index + 1)).join('\n')}
`,
  );
  return `# Patroni, and what it did to reads

Written by \`npm run test:patroni\`. etcd, three PostgreSQL ${major} servers under Patroni (\`synchronous_mode\`, \`ttl\` 8,
\`loop_wait\` 1), HAProxy that leads to whichever leads, and a PgBouncer in session mode before each server. A client commits
20 calls a second through HAProxy. Two gateways, each a process of its own, are asked for pages, pages with
\`X-Max-Staleness: 3\`, pages that go on from a token, statistics and lists of 3,000 calls, without a pause, while the leader
is moved: one has \`REPLICA_URLS\` and \`PRIMARY_URL\` of \`patroni+http\`, the other one the three PgBouncers and HAProxy.
Both have \`READ_FROM_PRIMARY\`, since after a leader was killed there is a single standby, which Patroni may have to start
anew, and a \`READ_AFTER_WAIT\` of 30, since what is read while a standby is being promoted is nowhere else before the others
follow it: a page that goes on from there waits.

${reports.length} changes of the leader in ${Math.round(seconds / 60)} minutes on ${cpus().length} cores, which servers, gateways and requests share: ${sum(({ samples }) => samples)}
bounds and ${sum(({ requests }) => requests)} requests, **${sum(({ violations }) => violations.length)} violations, ${sum((report) => needlessFailuresOf(report).length)} failed that need not have**.

- *Violations*: bounds, and answers, that said to be younger than they were; answers older than their limit or than the
  token they were read after; lists that were not whole. *Failed*: requests without an answer. A standby may have had more
  than the one that was promoted: then what was read there went with the leader that was killed, and \`POSITION_LOST\` says
  so. These need to be. *Refused*: requests with a limit that no standby met, as while nobody leads.
- *Longest*: the slowest request of any kind. *Without leader*: until the next one had committed a call. *Whole*: until both
  gateways read from two standbys again; a leader that was killed is started again when there is a new one. Seconds.

${sections.join('\n')}`;
}

function rowOf(report: MoveReport, time: number): string {
  const cells = [
    time,
    `${report.from} → ${report.to}`,
    report.samples,
    report.requests,
    report.violations.length,
    countByCode(report.failures) || 0,
    report.refused,
    report.longestSeconds.toFixed(1),
    report.withoutLeaderSeconds.toFixed(1),
    report.wholeSeconds.toFixed(1),
  ];
  return `| ${cells.join(' | ')} |`;
}
