import type { CdrDimension, CdrFilter, StatsExportQueryVariables } from '../generated/graphql.ts';
import type { Words } from '../words/words.ts';
import type { SheetColumn } from './sheet.ts';

/** How statistics are cut by time; `ALL` is not at all. */
export const statsTimes = ['ALL', 'HOUR', 'DAY', 'WEEK', 'MONTH'] as const;
export type StatsTime = (typeof statsTimes)[number];

/** What else they are grouped by. */
export const statsGroups = [
  'ALL',
  'ACCOUNT',
  'CUSTOMER',
  'COUNTRY',
  'PREFIX',
  'DISCONNECT_CAUSE',
  'OUTCOME',
  'CURRENCY',
] as const;
export type StatsGroup = (typeof statsGroups)[number];

export interface StatsWishes {
  readonly filter: CdrFilter;
  readonly zone: string;
  readonly time: StatsTime;
  readonly group: StatsGroup;
}

export function statsVariables({ filter, zone, time, group }: StatsWishes): StatsExportQueryVariables {
  const groupBy = [time, group].filter(
    (name): name is Exclude<StatsTime | StatsGroup, 'ALL'> => name !== 'ALL',
  );
  return {
    filter,
    groupBy: groupBy satisfies readonly CdrDimension[],
    timeZone: zone,
    bucket: time !== 'ALL',
    account: group === 'ACCOUNT',
    customer: group === 'CUSTOMER',
    country: group === 'COUNTRY',
    prefix: group === 'PREFIX',
    cause: group === 'DISCONNECT_CAUSE',
    outcome: group === 'OUTCOME',
    currency: group === 'CURRENCY',
  };
}

const TIME_WIDTH = 20;
const NAME_WIDTH = 24;

/** The columns of statistics in a spreadsheet: what they are grouped by, then the measures. */
export function statsColumns(
  variables: StatsExportQueryVariables,
  { columns: w, export: own, outcomes }: Words,
  zone: string,
): readonly SheetColumn[] {
  const text = (header: string, path: readonly string[], width = 14): SheetColumn => ({
    header,
    path,
    kind: 'text',
    width,
  });
  const number = (header: string, name: string): SheetColumn => ({ ...text(header, [name]), kind: 'number' });
  const m = own.measures;
  const groups: readonly (SheetColumn | false)[] = [
    variables.bucket && { ...text(`${own.bucket} (${zone})`, ['bucket'], TIME_WIDTH), kind: 'time' },
    variables.account && text(w.accountId, ['accountId']),
    variables.account && text(own.accountName, ['account', 'username'], NAME_WIDTH),
    variables.customer && text(w.customerId, ['customerId']),
    variables.customer && text(own.customerName, ['customer', 'name'], NAME_WIDTH),
    variables.country && text(w.country, ['country'], NAME_WIDTH),
    variables.prefix && text(w.prefix, ['prefix']),
    variables.cause && number(w.disconnectCause, 'disconnectCause'),
    variables.outcome && { ...text(w.outcome, ['outcome'], NAME_WIDTH), words: outcomes },
    variables.currency && text(own.currency, ['currency'], 8),
  ];
  return [
    ...groups.filter((column) => column !== false),
    number(m.attempts, 'attempts'),
    number(m.answered, 'answered'),
    number(m.failed, 'failed'),
    number(m.asr, 'asr'),
    number(m.ner, 'ner'),
    number(m.acdSeconds, 'acdSeconds'),
    number(m.pddSeconds, 'pddSeconds'),
    number(m.minutes, 'minutes'),
    number(m.billedMinutes, 'billedMinutes'),
    number(w.chargedAmount, 'chargedAmount'),
    { ...text(m.amountsByCurrency, ['amountsByCurrency'], NAME_WIDTH), kind: 'amounts' },
    number(m.unreadableCalls, 'unreadableCalls'),
  ];
}
