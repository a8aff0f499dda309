import type { Row } from '../line.ts';
import { besideStreamRow } from './beside-stream.ts';
import { filesRow } from './files.ts';
import { accountListRow, firstByteRow, listRow, longListRow } from './lists.ts';
import { memoryRow } from './memory.ts';
import { namesRow } from './names.ts';
import { pagesRow } from './pages.ts';
import { readyRow } from './ready.ts';
import { deepPageRow, manyAccountsRow, rarePrefixRow } from './single-pages.ts';
import { namesPageRow, smallestRow } from './small-requests.ts';
import { statsAllRow, statsDayRow } from './stats.ts';

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
  deepPageRow,
  manyAccountsRow,
  rarePrefixRow,
  besideStreamRow,
  statsDayRow,
  statsAllRow,
  filesRow,
  readyRow,
];
