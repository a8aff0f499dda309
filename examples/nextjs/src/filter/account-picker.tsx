'use client';

import dynamic from 'next/dynamic';
import { useNames } from '../accounts/account-names.tsx';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import type { PageQuery } from './page-query.ts';
import type { TimeRange } from './time-range.ts';

const AccountChoices = dynamic(() => import('./account-choices.tsx'), { ssr: false });

export interface AccountPickerProps {
  readonly query: PageQuery;
  readonly range: TimeRange;
  onChange(change: Partial<PageQuery>): void;
}

/** For an administrator: the accounts and customers that called in the range, by calls, with their names. */
export function AccountPicker({ query, range, onChange }: AccountPickerProps) {
  const { words } = useView();
  const names = useNames(query.account, query.customer);
  const accounts = query.account.map(names.account).join(', ') || words.filters.allAccounts;
  const customers = query.customer.map(names.customer).join(', ') || words.filters.allCustomers;
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
            <AccountChoices
              dimension="ACCOUNT"
              range={range}
              chosen={query.account}
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
            <AccountChoices
              dimension="CUSTOMER"
              range={range}
              chosen={query.customer}
              onChoose={(customer) => onChange({ customer })}
            />
          )}
        </Popup>
      </div>
    </>
  );
}
