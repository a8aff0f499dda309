import { cpus } from 'node:os';
import type { TrialReport } from './trial.ts';

export interface RunFacts {
  readonly major: number;
  readonly seconds: number;
}

/** What a run is held to. */
export const targets = { pauseSeconds: 2, noticeSeconds: 3, recoverySeconds: 3 };

/** Why the gateway did not behave as promised; empty when it did. Times are of the machine too, and judged only in the table. */
export function defectsOf(reports: readonly TrialReport[]): string[] {
  return reports.flatMap(({ fault, violations, failures, failureStories, isSpared, recoveredSeconds }) => [
    ...violations.slice(0, 5).map((violation) => `${fault}: ${violation}`),
    ...(isSpared && failureStories.length > 0
      ? [[`${fault}: ${failures}`, ...failureStories].join('\n  ')]
      : []),
    ...(recoveredSeconds === Number.POSITIVE_INFINITY ? [`${fault}: not well again`] : []),
  ]);
}

/** `docs/faults.md`. */
export function writeTable(reports: readonly TrialReport[], { major, seconds }: RunFacts): string {
  const sum = (count: (report: TrialReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  const spared = reports.filter(({ isSpared }) => isSpared);
  const violations = sum((report) => report.violations.length);
  const failed = spared.reduce((total, report) => total + report.failed, 0);
  const over = spared.filter(({ longestSeconds }) => longestSeconds > targets.pauseSeconds).length;
  return `# Faults, and what they did

Written by \`npm run test:faults\`. Real servers, real faults, under load: a PostgreSQL ${major} primary that commits 20 calls a
second, two standbys, and two gateways, each a process of its own; every connection between two of them goes through a
cable that can be cut, slowed or made to swallow what it should carry. One gateway knows only the standbys, the other
polls the primary too (\`PRIMARY_URL\`). Each gateway is asked for pages, pages with \`X-Max-Staleness: 3\`, pages that go on
from a token, statistics and lists of 3,000 calls, without a pause; and all the time what it says of each standby is
compared with what that standby lacks, which is known from when each commit was acknowledged.

${reports.length} faults in ${Math.round(seconds / 60)} minutes on ${cpus().length} cores, which servers, gateways and requests share. ${format(sum(({ samples }) => samples))} bounds and
${format(sum(({ requests }) => requests))} requests: **${violations} violations, ${failed} failed requests while a standby was well**, ${over} faults with a request that took longer than
${targets.pauseSeconds} seconds then.

- *Samples*: bounds compared with the truth. *Violations*: bounds, and answers, that said to be younger than they were;
  answers older than their limit; lists that were not whole; answers older than the token they were read after.
- *Failed*: requests without an answer. *Refused*: requests with a limit that no standby met (\`REPLICA_TOO_STALE\`).
- *Longest*: the slowest request of any kind, from its first byte to its last; without those that no standby could answer
  sooner (where a lock reaches one standby alone, the other one lacks what a token names). *Noticed*: until the gateways showed the fault
  in the state of the server. *Recovered*: from the end of the fault until everything was as before. A dash: nothing to
  measure. Seconds.

${[...Map.groupBy(reports, ({ group }) => group)].map(([group, trials]) => writeGroup(group, trials)).join('\n')}`;
}

function writeGroup(group: string, reports: readonly TrialReport[]): string {
  return `## ${group}

| fault | samples | violations | failed | refused | longest | noticed | recovered |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${reports.map(writeRow).join('\n')}
`;
}

function writeRow(report: TrialReport): string {
  const { fault, samples, violations, failed, failures, refused, longestSeconds, isSpared } = report;
  const failedText = failed > 0 ? `${failures}${isSpared ? '' : ' (no standby was there)'}` : '0';
  const cells = [
    fault,
    format(samples),
    String(violations.length),
    failedText,
    String(refused),
    longestSeconds.toFixed(1),
    formatSeconds(report.noticedSeconds),
    formatSeconds(report.recoveredSeconds),
  ];
  return `| ${cells.join(' | ')} |`;
}

function formatSeconds(seconds: number | null): string {
  if (seconds === null) return '–';
  return Number.isFinite(seconds) ? seconds.toFixed(1) : 'never';
}

const format = (count: number): string => count.toLocaleString('en');
