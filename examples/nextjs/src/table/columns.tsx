import type { ReactNode } from 'react';
import { AccountCell, CustomerCell } from '../accounts/account-names.tsx';
import type { Call } from '../calls/call-list.ts';
import { CarrierCell } from '../carriers/carrier-cell.tsx';
import type { View } from '../chrome/view.tsx';
import { meaningOf } from '../words/causes.ts';
import type { CellFilter } from './cell-filter.ts';

/** A column of the table. Its id is also that of its words, and of the field of a call that it shows first. */
export interface CallColumn {
  readonly id: ColumnId;
  readonly width: number;
  /** Numbers stand to the right. */
  readonly isNumeric?: boolean;
  readonly cell: (call: Call, view: View) => ReactNode;
  /** What a click on the value can filter by; undefined where the gateway has no such filter. */
  readonly filter?: (call: Call) => CellFilter | undefined;
}

export type ColumnId =
  | 'connectTime'
  | 'disconnectTime'
  | 'accountId'
  | 'customerId'
  | 'cli'
  | 'cld'
  | 'country'
  | 'carrier'
  | 'region'
  | 'prefix'
  | 'durationSeconds'
  | 'billedSeconds'
  | 'chargedAmount'
  | 'outcome'
  | 'disconnectCause'
  | 'pddSeconds'
  | 'remoteIp'
  | 'id';

const when = (part: CellFilter['part'], value: string | number | null) =>
  value === null || value === '' ? undefined : { part, value: String(value) };

const nothing = <span className="nothing">–</span>;

export const callColumns: readonly CallColumn[] = [
  {
    id: 'connectTime',
    width: 136,
    cell: ({ connectTime }, { formats }) => (
      <time dateTime={connectTime} data-hint={connectTime}>
        {formats.time(connectTime)}
      </time>
    ),
  },
  {
    id: 'disconnectTime',
    width: 142,
    cell: ({ disconnectTime }, { formats }) =>
      disconnectTime === null ? (
        nothing
      ) : (
        <time dateTime={disconnectTime}>{formats.time(disconnectTime)}</time>
      ),
  },
  {
    id: 'accountId',
    width: 96,
    cell: ({ accountId }, view) => <AccountCell id={accountId} view={view} />,
    filter: ({ accountId }) => when('account', accountId),
  },
  {
    id: 'customerId',
    width: 110,
    cell: ({ customerId, accountId }, view) =>
      customerId === null ? nothing : <CustomerCell id={customerId} accountId={accountId} view={view} />,
    filter: ({ customerId }) => when('customer', customerId),
  },
  {
    id: 'cli',
    width: 130,
    cell: ({ cli }) => (cli ? <span className="number">{cli}</span> : nothing),
    filter: ({ cli }) => when('cli', cli),
  },
  {
    id: 'cld',
    width: 130,
    cell: ({ cld }) => (cld ? <span className="number">{cld}</span> : nothing),
    filter: ({ cld }) => when('cld', cld),
  },
  {
    id: 'country',
    width: 146,
    cell: ({ country, region }, { formats }) =>
      country === null ? (
        nothing
      ) : (
        <>
          {formats.country(country)}
          {region && (
            <span className="aside" translate="no">
              {' '}
              {region}
            </span>
          )}
        </>
      ),
    filter: ({ country }) => when('country', country),
  },
  {
    id: 'carrier',
    width: 220,
    // Of a masked number nobody could be asked.
    cell: ({ cld }, view) => (cld && !view.user.masked ? <CarrierCell number={cld} view={view} /> : nothing),
  },
  {
    id: 'region',
    width: 120,
    cell: ({ region }) => (region === null ? nothing : <span translate="no">{region}</span>),
  },
  {
    id: 'prefix',
    width: 90,
    cell: ({ prefix }) => prefix ?? nothing,
    filter: ({ prefix }) => when('prefix', prefix),
  },
  {
    id: 'durationSeconds',
    width: 82,
    isNumeric: true,
    cell: ({ durationSeconds, billedSeconds }, { formats, words }) => (
      <span
        data-hint={`${formats.decimal(durationSeconds ?? '0')} s · ${words.columns.billedSeconds}: ${billedSeconds ?? 0} s`}
        className={Number(durationSeconds) > 0 ? undefined : 'zero'}
      >
        {formats.clock(Number(durationSeconds ?? 0))}
      </span>
    ),
  },
  {
    id: 'billedSeconds',
    width: 84,
    isNumeric: true,
    cell: ({ billedSeconds }, { formats }) =>
      billedSeconds === null ? nothing : formats.clock(billedSeconds),
  },
  {
    id: 'chargedAmount',
    width: 84,
    isNumeric: true,
    cell: ({ chargedAmount, currency }, { formats }) =>
      chargedAmount === null ? (
        nothing
      ) : (
        <span className={Number(chargedAmount) > 0 ? undefined : 'zero'}>
          {formats.money(chargedAmount, currency)}
        </span>
      ),
  },
  {
    id: 'outcome',
    width: 168,
    cell: (call, { words }) => <Outcome call={call} words={words} />,
    filter: ({ outcome }) => when('outcome', outcome),
  },
  {
    id: 'disconnectCause',
    width: 70,
    isNumeric: true,
    cell: ({ disconnectCause }, { words }) =>
      disconnectCause === null ? (
        nothing
      ) : (
        <span data-hint={meaningOf(disconnectCause, words)}>{disconnectCause}</span>
      ),
    filter: ({ disconnectCause }) => when('cause', disconnectCause),
  },
  {
    id: 'pddSeconds',
    width: 84,
    isNumeric: true,
    cell: ({ pddSeconds }, { formats }) =>
      pddSeconds === null ? nothing : formats.seconds(Number(pddSeconds)),
  },
  {
    id: 'remoteIp',
    width: 120,
    cell: ({ remoteIp }) => (remoteIp ? <span className="number">{remoteIp}</span> : nothing),
    filter: ({ remoteIp }) => when('ip', remoteIp),
  },
  { id: 'id', width: 110, cell: ({ id }) => <span className="number">{id}</span> },
];

export const columnById = Object.fromEntries(callColumns.map((column) => [column.id, column])) as Readonly<
  Record<ColumnId, CallColumn>
>;

/** In a narrow window, where all columns share its width. */
export const smallWidths: Readonly<Partial<Record<ColumnId, number>>> = {
  connectTime: 118,
  cld: 100,
  durationSeconds: 48,
  outcome: 94,
};

/** What is shown until somebody chooses; a call that is opened shows everything. */
export function defaultColumns(role: 'customer' | 'admin', isSmall: boolean): readonly ColumnId[] {
  if (isSmall) return Object.keys(smallWidths) as ColumnId[];
  const shown: readonly ColumnId[] = [
    'cli',
    'cld',
    'country',
    'carrier',
    'durationSeconds',
    'chargedAmount',
    'outcome',
  ];
  return role === 'admin' ? ['connectTime', 'accountId', ...shown] : ['connectTime', ...shown];
}

/** A colour, the word and the cause: never the colour alone. The meaning is the hint. */
export function Outcome({ call, words }: { readonly call: Call; readonly words: View['words'] }) {
  const { outcome, disconnectCause } = call;
  const meaning =
    disconnectCause === null
      ? (call.disconnectReason ?? words.causes.none)
      : meaningOf(disconnectCause, words);
  return (
    <span className={`outcome outcome-${outcome ?? 'UNKNOWN'}`} data-hint={meaning}>
      {words.outcomes[outcome ?? 'UNKNOWN']}
      {disconnectCause !== null && <span className="aside"> {disconnectCause}</span>}
    </span>
  );
}
