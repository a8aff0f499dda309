'use client';

import dynamic from 'next/dynamic';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import type { Question } from './question.ts';
import type { TimeRange } from './time-range.ts';

const AccountChoices = dynamic(() => import('./account-choices.tsx'), { ssr: false });

export interface AccountPickerProps {
  readonly question: Question;
  readonly range: TimeRange;
  onChange(change: Partial<Question>): void;
}

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
            <AccountChoices
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
            <AccountChoices
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
