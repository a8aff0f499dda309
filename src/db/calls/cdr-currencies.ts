import { type AliasedRawBuilder, type RawBuilder, sql } from 'kysely';
import { accountsOfList, type Scope } from '../scope.ts';
import type { AccountsModel } from '../sources/model.ts';
import type { Relations } from '../statement.ts';
import { encodingNamed } from '../wire/encodings.ts';
import { UNREADABLE_TEXT } from '../wire/transcoding.ts';
import type { CdrDimension } from './cdr-dimensions.ts';
import type { CdrFilter } from './cdr-filter.ts';
import type { Aggregate } from './cdr-measures.ts';

/**
 * The currency of a call is that of its account, which another table knows. To look it up for each call would take half
 * as long again as to add the calls up, so they are added up per account first, and the accounts are looked up then.
 */

/** What a group was charged in one currency: exact sums never mix them. */
export interface CurrencyAmount {
  /** ISO 4217; null: the account is unknown, or nothing says its currency. */
  readonly currency: string | null;
  /** Decimal text. */
  readonly chargedAmount: string;
  /** Decimal text of a bigint. */
  readonly calls: string;
}

/**
 * JSON of the `CurrencyAmount`s of a group, by currency, the unknown one last; null without calls. Currencies are the hex
 * digits of their bytes: one that is no text would otherwise spoil the whole.
 */
export const amountsByCurrency: Aggregate = {
  sql: `json_agg(json_build_object(
    'currency', encode(convert_to(currencies.currency, current_setting('client_encoding')::name), 'hex'),
    'chargedAmount', coalesce(currencies.amount, 0)::text, 'calls', currencies.calls::text)
    order by currencies.currency collate "C")::text`,
  type: 'text',
  over: 'currencies',
  merge: null,
};

/** What the JSON says, from a database of this encoding. A currency that is no text is UNREADABLE_TEXT. */
export function parseAmounts(json: string | null, encoding: string): CurrencyAmount[] {
  if (json === null) return [];
  const amounts = JSON.parse(json) as readonly CurrencyAmount[];
  return amounts.map(({ currency, ...rest }) => ({
    ...rest,
    currency: currency === null ? null : textOf(Buffer.from(currency, 'hex'), encoding),
  }));
}

function textOf(bytes: Buffer, encoding: string): string {
  const known = encodingNamed(encoding);
  const text = known ? known.decode(bytes) : bytes;
  return text === undefined ? UNREADABLE_TEXT : text.toString();
}

export type AccountCurrencies = AliasedRawBuilder<Pick<AccountsModel, 'i_account' | 'currency'>, 'accounts'>;

/** The accounts in scope with their currencies, none twice, to be joined to calls. */
export function openCurrencies(relations: Relations): AccountCurrencies {
  const { accounts, hasUniqueAccounts } = relations.source;
  if (!accounts) {
    return sql<
      Pick<AccountsModel, 'i_account' | 'currency'>
    >`(select null::bigint as i_account, null::text as currency
      where false)`.as('accounts');
  }
  const opened = relations.open(accounts);
  if (hasUniqueAccounts) return opened;
  return sql<Pick<AccountsModel, 'i_account' | 'currency'>>`(select i_account, min(currency) as currency
    from ${opened} group by i_account)`.as('accounts');
}

/**
 * Of which account all calls of each group are, as an aggregate over them: the group's own, or the only one that the
 * statement reads. Undefined where the calls of a group may be of several.
 */
export function accountOfGroups(
  scope: Scope,
  { groupBy, filter }: { readonly groupBy: readonly CdrDimension[]; readonly filter: CdrFilter },
): RawBuilder<unknown> | undefined {
  if (groupBy.includes('ACCOUNT')) return sql`xdrs.i_account`;
  const read = accountsOfList(scope, filter.accountIds);
  const isOne = filter.accountIds?.length === 1 || (Array.isArray(read) && read.length <= 1);
  return isOne ? sql`min(xdrs.i_account)` : undefined;
}
