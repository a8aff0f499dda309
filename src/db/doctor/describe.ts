import type { DoctorReport, ExaminedServer } from './doctor.ts';
import { describeFinding, type Finding } from './finding.ts';

/** The report for people, line by line: each server with what was found on it, then what is between servers. */
export function describeReport({ servers, findings, unseen, source }: DoctorReport): readonly string[] {
  return [
    ...servers.flatMap((server) => describeServer(server, findings, source)),
    ...findings.filter((finding) => finding.server === undefined).map(lineOf),
    ...unseen.map((what) => `not looked at: ${what}`),
  ];
}

function describeServer(
  server: ExaminedServer,
  findings: readonly Finding[],
  source: string,
): readonly string[] {
  const { place, namedBy, about } = server;
  const own = findings.filter((finding) => finding.server === place);
  const heading = about
    ? `${place}: PostgreSQL ${about.version}, ${about.isStandby ? 'standby' : 'primary'}, as ${about.role}`
    : place;
  if (own.length > 0) return [heading, ...own.map((finding) => `  ${lineOf(finding)}`)];
  return [heading, namedBy === 'PRIMARY_URL' ? '  well' : `  well: can serve CDR_SOURCE=${source}`];
}

function lineOf(finding: Finding): string {
  return `${finding.severity}: ${describeFinding(finding)}`;
}
