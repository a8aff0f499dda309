'use client';

import { type FormEvent, useState } from 'react';
import { useAnswer } from '../asking/use-answer.ts';
import { useAccounts } from '../charts/use-accounts.ts';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import type { CdrFilter } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import type { TimeRange } from './time-range.ts';

/** The busiest of the range are offered; any other is added by its id. */
const OFFERED = 100;

interface ChoicesProps {
  readonly dimension: 'ACCOUNT' | 'CUSTOMER';
  readonly range: TimeRange;
  readonly chosen: readonly string[];
  onChoose(ids: string[]): void;
}

/** Those of the range by calls, found by name or id. */
export default function AccountChoices({ dimension, range, chosen, onChoose }: ChoicesProps) {
  const { words, formats } = useView();
  const [sought, setSought] = useState('');
  const filter = { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
  const asked = useAnswer(operations.facet, { filter, by: dimension, first: OFFERED });
  const rows = asked.answer?.data.cdrStats.rows ?? [];
  const idOf = (row: (typeof rows)[number]) => (dimension === 'ACCOUNT' ? row.accountId : row.customerId);
  const names = useNames(
    dimension,
    filter,
    rows.map(idOf).filter((id) => id !== null),
  );
  const offered = rows
    .map((row) => ({ id: idOf(row), attempts: Number(row.attempts) }))
    .filter(({ id }) => id !== null)
    .map(({ id, attempts }) => ({ id: id!, attempts, name: names.get(id!) ?? '' }));
  const unlisted = chosen
    .filter((id) => !offered.some((other) => other.id === id))
    .map((id) => ({ id, attempts: 0, name: '' }));
  const found = [...unlisted, ...offered].filter(({ id, name }) =>
    `${id} ${name}`.toLowerCase().includes(sought.trim().toLowerCase()),
  );
  const toggle = (id: string, isOn: boolean) =>
    onChoose(isOn ? [...chosen, id] : chosen.filter((other) => other !== id));
  const add = (event: FormEvent) => {
    event.preventDefault();
    const id = sought.trim();
    if (!/^\d{1,19}$/.test(id) || chosen.includes(id)) return;
    onChoose([...chosen, id]);
    setSought('');
  };

  return (
    <form className="choices" onSubmit={add} aria-busy={asked.isLoading}>
      <input
        type="search"
        value={sought}
        onChange={(event) => setSought(event.target.value)}
        placeholder={words.filters.nameOrId}
        aria-label={words.filters.nameOrId}
      />
      {asked.error !== null && <Trouble error={asked.error} retry={asked.retry} isSmall />}
      <div className="choices-list">
        {found.map(({ id, name, attempts }) => (
          <label key={id} className="choice">
            <input
              type="checkbox"
              checked={chosen.includes(id)}
              onChange={(event) => toggle(id, event.target.checked)}
            />
            <span className="choice-name">
              {name || id} {name && <span className="aside">{id}</span>}
            </span>
            {/* Those of another range would be wrong numbers. */}
            <span className="aside">{!asked.isOld && formats.shortCount(attempts)}</span>
          </label>
        ))}
      </div>
      {found.length === 0 && /^\d+$/.test(sought.trim()) && (
        <button type="submit" className="button">
          {words.filters.addId} {sought.trim()}
        </button>
      )}
    </form>
  );
}

/** A customer is named by an account it owns, so for customers the accounts of the range are looked at too. */
function useNames(
  dimension: 'ACCOUNT' | 'CUSTOMER',
  filter: CdrFilter,
  ids: readonly string[],
): ReadonlyMap<string, string> {
  const isCustomer = dimension === 'CUSTOMER';
  const owned = useAnswer(
    operations.facet,
    { filter, by: 'ACCOUNT', first: OFFERED },
    { enabled: isCustomer },
  );
  const ownedIds = owned.answer?.data.cdrStats.rows
    .map(({ accountId }) => accountId)
    .filter((id) => id !== null);
  const { byId: accounts } = useAccounts(isCustomer ? (ownedIds ?? []) : ids);
  return new Map(
    [...accounts.values()].map(({ id, username, customer }) =>
      isCustomer
        ? [customer?.id ?? '', customer?.name ?? '']
        : [id, [username, customer?.name].filter(Boolean).join(' · ')],
    ),
  );
}
