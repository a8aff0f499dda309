'use client';

import { useEffect, useSyncExternalStore } from 'react';
import { useView, type View } from '../chrome/view.tsx';

type Accounts = View['accounts'];

/** The account's name where it is known, else its id; on hover both, with the customer. */
export function AccountCell({ id, view }: { readonly id: string; readonly view: View }) {
  const { accounts } = view;
  const get = () => accounts.get(id);
  const account = useSyncExternalStore(accounts.subscribe, get, get);
  useEffect(() => accounts.want(id), [accounts, id]);
  if (!account?.username) return id;
  return (
    <span
      translate="no"
      data-hint={[id, account.username, account.customer?.name].filter(Boolean).join(' · ')}
    >
      {account.username}
    </span>
  );
}

/** The customer's name where it is known, as the owner of the call's account, else the id. */
export function CustomerCell({
  id,
  accountId,
  view,
}: {
  readonly id: string;
  readonly accountId: string;
  readonly view: View;
}) {
  const { accounts } = view;
  const get = () => accounts.get(accountId);
  const customer = useSyncExternalStore(accounts.subscribe, get, get)?.customer;
  useEffect(() => accounts.want(accountId), [accounts, accountId]);
  // A call may be of another customer than its account is now.
  if (customer?.id !== id || !customer.name) return id;
  return (
    <span translate="no" data-hint={`${id} · ${customer.name}`}>
      {customer.name}
    </span>
  );
}

/** Says accounts and customers as people know them: by name, with the id behind it; by the id alone until it is known. */
export function useNames(accountIds: readonly string[], customerIds: readonly string[]) {
  const { accounts } = useView();
  const get = () =>
    [
      ...accountIds.map((id) => accounts.get(id)?.username),
      ...customerIds.map((id) => customerName(accounts, id)),
    ].join('\n');
  useSyncExternalStore(accounts.subscribe, get, get);
  const wanted = accountIds.join();
  useEffect(() => {
    const leave = wanted.split(',').flatMap((id) => (id === '' ? [] : accounts.want(id)));
    return () => {
      for (const stop of leave) stop();
    };
  }, [accounts, wanted]);
  return {
    account: (id: string) => named(accounts.get(id)?.username, id),
    customer: (id: string) => named(customerName(accounts, id), id),
  };
}

function customerName(accounts: Accounts, id: string): string | undefined {
  return accounts.find(({ customer }) => customer?.id === id)?.customer?.name ?? undefined;
}

function named(name: string | null | undefined, id: string): string {
  return name ? `${name} (${id})` : id;
}
