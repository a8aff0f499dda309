'use client';

import { createContext, type ReactNode, useContext } from 'react';
import type { AccountName } from '../accounts/ask-accounts.ts';
import type { Carrier } from '../carriers/ask-carriers.ts';
import type { Formats } from '../formats.ts';
import type { LookupBook } from '../lookups/lookup-book.ts';
import type { User } from '../server/users.ts';
import type { Words } from '../words/words.ts';

export type ViewUser = Pick<User, 'id' | 'name' | 'role' | 'masked'>;

/** Who looks, and how things are said to them. Nothing here is a secret. */
export interface View {
  readonly user: ViewUser;
  readonly words: Words;
  readonly formats: Formats;
  /** Of numbers that are typed without theirs; empty for none. */
  readonly countryCode: string;
  /** Of the numbers on the screen. */
  readonly carriers: LookupBook<Carrier>;
  /** By id, of the calls on the screen and of the filter. */
  readonly accounts: LookupBook<AccountName>;
  /** Of the data's age. */
  readonly amberSeconds: number;
  readonly redSeconds: number;
}

const ViewContext = createContext<View | undefined>(undefined);

export function ViewProvider({ view, children }: { readonly view: View; readonly children: ReactNode }) {
  return <ViewContext.Provider value={view}>{children}</ViewContext.Provider>;
}

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error('useView needs a ViewProvider above.');
  return view;
}
