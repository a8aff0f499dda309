import type { CallExportQueryVariables, CdrFilter, CdrOrder } from '../generated/graphql.ts';
import type { ColumnId } from '../table/columns.tsx';

/** Columns of a file: those of the table, and those that only the drawer shows. */
const fileColumns = [
  'connectTime',
  'setupTime',
  'disconnectTime',
  'cli',
  'cld',
  'cliIn',
  'cldIn',
  'country',
  'region',
  'prefix',
  'durationSeconds',
  'billedSeconds',
  'chargedAmount',
  'currency',
  'outcome',
  'disconnectCause',
  'disconnectReason',
  'pddSeconds',
  'releaseSource',
  'accountId',
  'customerId',
  'remoteIp',
  'userAgent',
  'callId',
] as const;

export interface ExportWishes {
  readonly filter: CdrFilter;
  readonly order: CdrOrder;
  readonly most: number;
  /** Undefined: all of them. The id is always there. */
  readonly columns: readonly ColumnId[] | undefined;
}

export function exportVariables({ filter, order, most, columns }: ExportWishes): CallExportQueryVariables {
  const isWanted = (name: (typeof fileColumns)[number]) =>
    columns === undefined ||
    columns.includes(name as ColumnId) ||
    (name === 'region' && columns.includes('country')) ||
    // An amount is nothing without it.
    (name === 'currency' && columns.includes('chargedAmount')) ||
    // The carrier is looked up by it.
    (name === 'cld' && columns.includes('carrier'));
  const flags = Object.fromEntries(fileColumns.map((name) => [name, isWanted(name)])) as Record<
    (typeof fileColumns)[number],
    boolean
  >;
  return { filter, orderBy: order, first: most, after: null, ...flags };
}

/** The same for a spreadsheet, which has names. */
export function sheetVariables(wishes: ExportWishes): CallExportQueryVariables {
  const variables = exportVariables(wishes);
  const { columns } = wishes;
  return {
    ...variables,
    accountName: variables.accountId,
    customerName: variables.customerId,
    carrier: columns === undefined || columns.includes('carrier'),
  };
}

/** `calls-account-14-20261119T105703Z-20261120T105703Z.csv` */
export function exportName(
  { accountIds, from, to }: CdrFilter,
  { subject = 'calls', extension = 'csv' } = {},
): string {
  const short = (time: string | null | undefined) => time?.replaceAll(/[-:]|\.\d+/g, '');
  const account = accountIds && accountIds.length === 1 ? `account-${accountIds[0]}` : undefined;
  return `${[subject, account, short(from), short(to)].filter(Boolean).join('-')}.${extension}`;
}
