'use client';

import { type FormEvent, useState } from 'react';
import { useAnswer } from '../asking/use-answer.ts';
import { useAccounts } from '../charts/use-accounts.ts';
import { Popup } from '../chrome/popup.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { type CdrFilter, FacetDocument } from '../generated/graphql.ts';
import type { Question } from './question.ts';
import type { TimeRange } from './time-range.ts';

export interface AccountPickerProps {
  readonly question: Question;
  readonly range: TimeRange;
  onChange(change: Partial<Question>): void;
}

/** The busiest of the range are offered; any other is added by its id. */
const OFFERED = 100;

/** For an administrator: the accounts and customers that called in the range, by calls, with their names. */
export function AccountPicker({ question, range, onChange }: AccountPickerProps) {
  const { words } = useView();
  const accounts = question.account.length > 0 ? question.account.join(', ') : words.filters.allAccounts;
  const customers = question.customer.length > 0 ? question.customer.join(', ') : words.filters.allCustomers;
  return (
    <>
      <div className="field">
        <span aria-hidden="true">{words.columns.accountId}</span>
        <Popup
          label={`${words.columns.accountId}: ${accounts}`}
          className="button button-select"
          buttonId="account-button"
          face={<span className="select-face">{accounts}</span>}
        >
          {() => (
            <Choices
              dimension="ACCOUNT"
              range={range}
              chosen={question.account}
              onChoose={(account) => onChange({ account, notAccount: [] })}
            />
          )}
        </Popup>
      </div>
      <div className="field">
        <span aria-hidden="true">{words.columns.customerId}</span>
        <Popup
          label={`${words.columns.customerId}: ${customers}`}
          className="button button-select"
          buttonId="customer-button"
          face={<span className="select-face">{customers}</span>}
        >
          {() => (
            <Choices
              dimension="CUSTOMER"
              range={range}
              chosen={question.customer}
              onChoose={(customer) => onChange({ customer })}
            />
          )}
        </Popup>
      </div>
    </>
  );
}

interface ChoicesProps {
  readonly dimension: 'ACCOUNT' | 'CUSTOMER';
  readonly range: TimeRange;
  readonly chosen: readonly string[];
  onChoose(ids: string[]): void;
}

function Choices({ dimension, range, chosen, onChoose }: ChoicesProps) {
  const { words, formats } = useView();
  const [sought, setSought] = useState('');
  const filter = { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
  const asked = useAnswer(FacetDocument, { filter, by: dimension, first: OFFERED });
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
              {id} <span className="aside">{name}</span>
            </span>
            <span className="aside">{formats.shortCount(attempts)}</span>
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
  const owned = useAnswer(FacetDocument, { filter, by: 'ACCOUNT', first: OFFERED }, { enabled: isCustomer });
  const ownedIds = owned.answer?.data.cdrStats.rows
    .map(({ accountId }) => accountId)
    .filter((id) => id !== null);
  const accounts = useAccounts(isCustomer ? (ownedIds ?? []) : ids);
  return new Map(
    [...accounts.values()].map(({ id, username, customer }) =>
      isCustomer
        ? [customer?.id ?? '', customer?.name ?? '']
        : [id, [username, customer?.name].filter(Boolean).join(' · ')],
    ),
  );
}
