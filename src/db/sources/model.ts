import type { AliasedRawBuilder, Selectable } from 'kysely';
import type { Xdrs } from '../generated/model.ts';
import type { Scope } from '../scope.ts';

/**
 * The logical model: one row per rated call attempt, whatever tables it comes from. Column names and types are
 * those of the table `xdrs`; the last three are worked out by the source.
 */
export interface XdrsModel extends Selectable<Xdrs> {
  /** One of `outcomes`. Null when the switch gave no cause and there was no conversation. */
  outcome: Outcome | null;
  /** Whether the switch calls the attempt a success, spoken or not. Never null. */
  successful: boolean;
  /** Whether what is stored as `charged_quantity` is no whole number, or beyond its type, so that it is null here. */
  is_quantity_unreadable: boolean;
}

/** Columns that only filters and statistics read. */
export type UnshownColumn = 'successful' | 'is_quantity_unreadable';

/** A column of the calls, in SQL over the relation of a source. */
export type CallColumn = `xdrs.${keyof XdrsModel}`;

export interface AccountsModel {
  i_account: string;
  i_customer: string | null;
  username: string | null;
  /** ISO 4217. */
  currency: string | null;
  /** IANA name. */
  time_zone: string | null;
  blocked: boolean | null;
}

export interface CustomersModel {
  i_customer: string;
  name: string | null;
}

/** How an attempt ended, from the caller's point of view. GraphQL shows it as CallOutcome. */
export const outcomes = [
  /** Someone spoke, or at least the clock ran. */
  'ANSWERED',
  /** The caller gave up first. */
  'CANCELLED',
  'BUSY',
  /** It rang, or the phone was off, and the call was not answered. */
  'NO_ANSWER',
  /** The called side said no. */
  'REJECTED',
  /** The number is wrong, not allocated, incomplete or out of order. */
  'UNREACHABLE',
  /** A failure beyond the switch: congestion, time-outs, protocol errors. */
  'NETWORK',
  /** The switch's own policy: balance, capacity, no route, a barred service. */
  'REFUSED',
] as const;

export type Outcome = (typeof outcomes)[number];

export type SourceName = 'xdrs' | 'sippy';

/** A relation to select from, restricted to a scope below any query that could forget it; of its columns `only` these. */
export type ScopedRelation<Model, Alias extends string> = (
  scope: Scope,
  only?: ReadonlySet<string>,
) => AliasedRawBuilder<Model, Alias>;

/** Where calls are read from: the same columns, whatever the switch. */
export interface Source {
  readonly name: SourceName;
  /**
   * The calls, to select from under the alias `xdrs`. A derived table without aggregate, order or limit, so that
   * PostgreSQL flattens it: conditions, order and limit reach the indexes, and a join that is not needed is not made.
   */
  readonly cdrs: ScopedRelation<XdrsModel, 'xdrs'>;
  /** Null where the database has no such table, or hides it. */
  readonly accounts: ScopedRelation<AccountsModel, 'accounts'> | null;
  readonly customers: ScopedRelation<CustomersModel, 'customers'> | null;
  /** Whether no account is there twice, so that calls may be joined to it. */
  readonly hasUniqueAccounts: boolean;
  /** Whether a call says which customer it belongs to. Otherwise its account does, by the table of accounts. */
  readonly hasCustomers: boolean;
  /** Whether indexes give the calls in order, of one account as of all, and find one by its key. */
  readonly hasKeysetIndexes: boolean;
  /** Whether an index gives the calls of one customer in order. */
  readonly hasCustomerKeysets: boolean;
  /** Whether an index has the keys, so that the calls that arrive are found without reading the others. */
  readonly hasKeyIndex: boolean;
  /** Whether a call may be without a key, so that its place among calls of the same time needs a condition of its own. */
  readonly hasNullableKey: boolean;
  /** Columns whose stored values may be beyond their type: the relation has them as text too, to be shown from. */
  readonly shownFromText: ReadonlySet<keyof XdrsModel>;
  /** Required columns that the table had when the gateway started and no longer has, and what is worked out from them. */
  readonly gone: ReadonlySet<keyof XdrsModel>;
  /** Whether PostgreSQL itself restricts what is read, by policies that want to know the scope of each statement. */
  readonly hasScopePolicies: boolean;
  /** PostgreSQL's name of how the database keeps text. */
  readonly encoding: string;
  /** Columns of the model that are always null here, because the database lacks what they are read from. */
  readonly missing: readonly Exclude<keyof XdrsModel, UnshownColumn>[];
}

/** The PostgreSQL type of each column of the lookups; those of a call are in cdr-columns.ts. */
export const accountsTypes = {
  i_account: 'bigint',
  i_customer: 'bigint',
  username: 'text',
  currency: 'text',
  time_zone: 'text',
  blocked: 'boolean',
} as const satisfies Record<keyof AccountsModel, string>;

export const customersTypes = {
  i_customer: 'bigint',
  name: 'text',
} as const satisfies Record<keyof CustomersModel, string>;
