import type { Row } from '../line.ts';
import { auditRow } from './audit.ts';
import { besideStreamRow } from './beside-stream.ts';
import { clientsRow, compressionRow, slowLineRow } from './clients.ts';
import { feedRow } from './feed.ts';
import { filesRow } from './files.ts';
import { accountListRow, firstByteRow, listRow, longListRow } from './lists.ts';
import { memoryRow } from './memory.ts';
import { namesRow } from './names.ts';
import { pagesRow } from './pages.ts';
import { readyRow } from './ready.ts';
import { rollupsRow } from './rollups.ts';
import { rowSecurityRow } from './row-security.ts';
import { deepPageRow, manyAccountsRow, rarePrefixRow } from './single-pages.ts';
import { namesPageRow, smallestRow } from './small-requests.ts';
import { statsAllRow, statsDayRow } from './stats.ts';
import { subscribersRow } from './subscribers.ts';
import { unchangedRow } from './unchanged.ts';
import { watchingRow } from './watching.ts';

/** Every row, in the order of the table. */
export const rows: readonly Row[] = [
  listRow,
  accountListRow,
  longListRow,
  firstByteRow,
  namesRow,
  memoryRow,
  pagesRow,
  namesPageRow,
  smallestRow,
  unchangedRow,
  deepPageRow,
  manyAccountsRow,
  rarePrefixRow,
  rowSecurityRow,
  auditRow,
  besideStreamRow,
  statsDayRow,
  statsAllRow,
  rollupsRow,
  filesRow,
  clientsRow,
  slowLineRow,
  compressionRow,
  feedRow,
  subscribersRow,
  watchingRow,
  readyRow,
];
