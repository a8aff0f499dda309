'use client';

import type { Asked } from '../asking/use-answer.ts';
import { useAnswer } from '../asking/use-answer.ts';
import { useView } from '../chrome/view.tsx';
import { addDecimals } from '../exact-sum.ts';
import type { CdrFilter, GroupsQuery, TilesQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { fill } from '../words/fill.ts';
import { useAccounts } from './use-accounts.ts';

/** What the calls cost, in words: the largest sum, and the other currencies below. */
export interface Cost {
  readonly main: string;
  readonly rest: string;
  readonly hint: string;
}

/** Beyond so many accounts their currencies are not looked up any more. */
const MOST_ACCOUNTS = 200;

/**
 * Amounts are in each account's own currency: they are added by currency, never across. Where the accounts are too
 * many to look at, the sum is shown bare, and the hint says why.
 */
export function useCost(tiles: Asked<TilesQuery>, filter: CdrFilter | undefined): Cost {
  const { words, formats } = useView();
  const byAccount = useAnswer(
    operations.groups,
    {
      filter: filter ?? {},
      groupBy: ['ACCOUNT'],
      orderBy: { measure: 'CHARGED_AMOUNT', direction: 'DESC' },
      first: MOST_ACCOUNTS + 1,
      timeZone: 'UTC',
    },
    { enabled: filter !== undefined && !tiles.isOld },
  );
  const rows = byAccount.answer?.data.cdrStats.rows ?? [];
  const isKnown = rows.length > 0 && rows.length <= MOST_ACCOUNTS;
  const accounts = useAccounts(isKnown ? rows.map(({ accountId }) => accountId!) : []);
  const sums = isKnown && accounts.isWhole ? sumsByCurrency(rows, accounts.byId) : undefined;
  const [largest, ...others] = sums ?? [];
  // The total of one question beside the accounts of another would be a lie.
  const isOneQuestion = byAccount.isOld === tiles.isOld;
  if (!largest || !isOneQuestion) {
    const total = tiles.answer?.data.cdrStats.totals.chargedAmount ?? '0';
    const isMixed = rows.length > MOST_ACCOUNTS;
    return {
      main: formats.money(total, null),
      rest: isMixed ? words.tiles.mixedCurrencies : ' ',
      hint: words.tiles.costHint,
    };
  }
  return {
    main: formats.money(largest.amount, largest.currency),
    rest:
      others.length > 0
        ? others.map(({ amount, currency }) => formats.money(amount, currency)).join(' · ')
        : fill(words.tiles.costPerMinute, { amount: perMinute(largest, tiles, formats.money) }),
    hint: words.tiles.costHint,
  };
}

interface Sum {
  readonly currency: string | null;
  readonly amount: string;
}

function sumsByCurrency(
  rows: NonNullable<GroupsQuery['cdrStats']>['rows'],
  accounts: ReadonlyMap<string, { readonly currency: string | null }>,
): Sum[] {
  const amounts = Map.groupBy(rows, ({ accountId }) => accounts.get(accountId!)?.currency ?? null);
  return [...amounts]
    .map(([currency, group]) => ({
      currency,
      amount: addDecimals(group.map(({ chargedAmount }) => chargedAmount)),
    }))
    .sort((one, other) => Number(other.amount) - Number(one.amount));
}

function perMinute(
  sum: Sum,
  tiles: Asked<TilesQuery>,
  money: (text: string, currency: string | null) => string,
): string {
  const minutes = Number(tiles.answer?.data.cdrStats.totals.billedMinutes ?? 0);
  return minutes > 0 ? money(String(Number(sum.amount) / minutes), sum.currency) : '–';
}
