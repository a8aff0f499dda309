import type { Check } from './check.ts';
import { clockCheck } from './checks/clock.ts';
import { createDiskCheck } from './checks/disk.ts';
import { feedCheck } from './checks/feed.ts';
import { hbaCheck } from './checks/hba.ts';
import { parityCheck } from './checks/parity.ts';
import { plansCheck } from './checks/plans.ts';
import { poolingCheck } from './checks/pooling.ts';
import { primaryCheck } from './checks/primary.ts';
import { promotionsCheck } from './checks/promotions.ts';
import { publicationsCheck } from './checks/publications.ts';
import { roleCheck } from './checks/role.ts';
import { roleRightsCheck } from './checks/role-rights.ts';
import { rollupsCheck } from './checks/rollups.ts';
import { serversCheck } from './checks/servers.ts';
import { settingsCheck } from './checks/settings.ts';
import { slotsCheck } from './checks/slots.ts';
import { sourceCheck } from './checks/source.ts';
import { standbyCheck } from './checks/standby.ts';
import { statisticsCheck } from './checks/statistics.ts';
import { streamingCheck } from './checks/streaming.ts';
import { textCheck } from './checks/text.ts';
import { tlsCheck } from './checks/tls.ts';
import { upstreamCheck } from './checks/upstream.ts';
import { zonesCheck } from './checks/zones.ts';

/** Everything that `doctor` looks at, in the order in which it says it. A new topic is a file and a line here. */
export const allChecks: readonly Check[] = [
  serversCheck,
  poolingCheck,
  tlsCheck,
  clockCheck,
  streamingCheck,
  upstreamCheck,
  standbyCheck,
  parityCheck,
  settingsCheck,
  slotsCheck,
  primaryCheck,
  publicationsCheck,
  feedCheck,
  rollupsCheck,
  createDiskCheck(),
  hbaCheck,
  roleCheck,
  sourceCheck,
  plansCheck,
  statisticsCheck,
  textCheck,
  roleRightsCheck,
  promotionsCheck,
  zonesCheck,
];
