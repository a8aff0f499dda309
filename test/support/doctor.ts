import type { Check } from '../../src/db/doctor/check.ts';
import { poolingCheck } from '../../src/db/doctor/checks/pooling.ts';
import { serversCheck } from '../../src/db/doctor/checks/servers.ts';
import { sourceCheck } from '../../src/db/doctor/checks/source.ts';
import { zonesCheck } from '../../src/db/doctor/checks/zones.ts';
import { describeReport } from '../../src/db/doctor/describe.ts';
import { examine } from '../../src/db/doctor/doctor.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';

/** What does not depend on how the servers of this run are set up. */
const ofTheDatabase: readonly Check[] = [serversCheck, poolingCheck, sourceCheck, zonesCheck];

/** What `doctor` says of standbys that are set up for tests, and its exit code. */
export async function doctor(
  replicaUrls: readonly string[],
  source: SourceName,
  log: (line: string) => void,
): Promise<number> {
  const report = await examine({ replicaUrls, source, checks: ofTheDatabase });
  for (const line of describeReport(report)) log(line);
  return report.exitCode;
}
