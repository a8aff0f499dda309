import type { CallExportQueryVariables } from '../generated/graphql.ts';
import type { Words } from '../words/words.ts';
import type { SheetColumn } from './sheet.ts';

type Flag = {
  [Name in keyof CallExportQueryVariables]-?: CallExportQueryVariables[Name] extends
    | boolean
    | null
    | undefined
    ? Name
    : never;
}[keyof CallExportQueryVariables];

interface CallColumn extends SheetColumn {
  /** The variable that says whether it is in the file; undefined: it always is. */
  readonly flag: Flag | undefined;
}

const NUMBER_WIDTH = 18;
const TIME_WIDTH = 20;
const NAME_WIDTH = 24;

/** The columns of calls in a spreadsheet, of those that the variables select. */
export function callColumns(
  variables: CallExportQueryVariables,
  words: Words,
  zone: string,
): readonly SheetColumn[] {
  return allColumns(words, zone)
    .filter(({ flag }) => flag === undefined || variables[flag] === true)
    .map(({ flag: _, ...column }) => column);
}

function allColumns({ columns: w, export: own, outcomes, lineKinds }: Words, zone: string): CallColumn[] {
  const text = (flag: Flag, header: string, width = 12, path: readonly string[] = [flag]): CallColumn => ({
    flag,
    path,
    header,
    kind: 'text',
    width,
  });
  const number = (flag: Flag, header: string): CallColumn => ({ ...text(flag, header), kind: 'number' });
  const time = (flag: Flag, header: string): CallColumn => ({
    ...text(flag, `${header} (${zone})`, TIME_WIDTH),
    kind: 'time',
  });
  return [
    time('connectTime', w.connectTime),
    time('setupTime', w.setupTime),
    time('disconnectTime', w.disconnectTime),
    text('accountId', w.accountId),
    text('accountName', own.accountName, NAME_WIDTH, ['account', 'username']),
    text('customerId', w.customerId),
    text('customerName', own.customerName, NAME_WIDTH, ['customer', 'name']),
    text('cli', w.cli, NUMBER_WIDTH),
    text('cld', w.cld, NUMBER_WIDTH),
    text('cliIn', w.cliIn, NUMBER_WIDTH),
    text('cldIn', w.cldIn, NUMBER_WIDTH),
    text('country', w.country, NUMBER_WIDTH),
    text('region', w.region, NUMBER_WIDTH),
    text('prefix', w.prefix),
    text('carrier', w.carrier, NAME_WIDTH, ['carrier', 'blockHolder']),
    text('carrier', own.blockHolderCode, 10, ['carrier', 'blockHolderCode']),
    { ...text('carrier', own.lineKind, NUMBER_WIDTH, ['carrier', 'lineKind']), words: lineKinds },
    number('durationSeconds', `${w.durationSeconds} (s)`),
    number('billedSeconds', `${w.billedSeconds} (s)`),
    number('chargedAmount', w.chargedAmount),
    text('currency', own.currency, 8),
    { ...text('outcome', w.outcome, NUMBER_WIDTH), words: outcomes },
    number('disconnectCause', w.disconnectCause),
    text('disconnectReason', w.disconnectReason, NAME_WIDTH),
    number('pddSeconds', `${w.pddSeconds} (s)`),
    text('releaseSource', w.releaseSource),
    text('remoteIp', w.remoteIp, NUMBER_WIDTH),
    text('userAgent', w.userAgent, NAME_WIDTH),
    text('callId', w.callId, NAME_WIDTH),
    { ...text('callId', w.id, NUMBER_WIDTH, ['id']), flag: undefined },
  ];
}
