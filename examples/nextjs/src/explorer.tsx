'use client';

import { QueryClientProvider } from '@tanstack/react-query';
import { useQueryStates } from 'nuqs';
import { NuqsAdapter } from 'nuqs/adapters/next/app';
import { useMemo, useState, useSyncExternalStore } from 'react';
import { askAccounts, MAX_ACCOUNTS } from './accounts/ask-accounts.ts';
import { askAs } from './asking/execute.ts';
import { createQueryClient } from './asking/query-client.ts';
import type { Page } from './calls/ask-page.ts';
import { askCarriers, MAX_NUMBERS } from './carriers/ask-carriers.ts';
import { HintLayer } from './chrome/hint-layer.tsx';
import { ViewProvider, type ViewUser } from './chrome/view.tsx';
import { ExplorerView } from './explorer-view.tsx';
import { queryParsers } from './filter/page-query.ts';
import { queryOfUser } from './filter/query-of-user.ts';
import { createFormats, isZone } from './formats.ts';
import { LookupBook } from './lookups/lookup-book.ts';
import type { Words } from './words/words.ts';

export interface ExplorerProps {
  readonly user: ViewUser;
  readonly words: Words;
  readonly locale: string;
  readonly countryCode: string;
  readonly amberSeconds: number;
  readonly redSeconds: number;
  /** Epoch milliseconds by the server's clock: the end of the first range. */
  readonly now: number;
  /** The first page, where the gateway was quick enough. */
  readonly first: { readonly key: string; readonly page: Page } | undefined;
}

const never = () => () => {};

/** The page, as soon as the browser has it: what it shows depends on its clock, its languages and its size. */
export function Explorer(props: ExplorerProps) {
  const [client] = useState(createQueryClient);
  const isHydrated = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  return (
    <NuqsAdapter>
      <QueryClientProvider client={client}>
        {isHydrated ? <Loaded {...props} /> : <Skeleton {...props} />}
      </QueryClientProvider>
    </NuqsAdapter>
  );
}

function Loaded({
  user,
  words,
  locale,
  countryCode,
  amberSeconds,
  redSeconds,
  now,
  ...given
}: ExplorerProps) {
  const [asked, setQuery] = useQueryStates(queryParsers);
  const query = useMemo(() => queryOfUser(asked, user), [asked, user]);
  // By this clock, not the server's: asked for when the page was.
  const first = useMemo(() => given.first && withSentAt(given.first, performance.timeOrigin), [given.first]);
  const zone = isZone(query.zone) ? query.zone : 'UTC';
  const formats = useMemo(() => createFormats(locale, zone), [locale, zone]);
  const [books] = useState(() => {
    askAs(user.id);
    return {
      carriers: new LookupBook({ ask: askCarriers, perRequest: MAX_NUMBERS }),
      accounts: new LookupBook({ ask: askAccounts, perRequest: MAX_ACCOUNTS }),
    };
  });
  const view = useMemo(
    () => ({ user, words, formats, countryCode, ...books, amberSeconds, redSeconds }),
    [user, words, formats, countryCode, books, amberSeconds, redSeconds],
  );
  return (
    <ViewProvider view={view}>
      <ExplorerView query={query} setQuery={setQuery} firstNow={now} first={first} />
      <HintLayer />
    </ViewProvider>
  );
}

function withSentAt({ key, page }: NonNullable<ExplorerProps['first']>, sentAt: number) {
  return { key, page: { ...page, sentAt, receivedAt: Date.now() } };
}

/** The same boxes, empty: nothing jumps when the page comes to life. */
function Skeleton({ words, user }: ExplorerProps) {
  return (
    <div className="explorer" aria-busy="true">
      <header className="top">
        <h1>
          <span className="mark" aria-hidden="true" />
          {words.title}
          <span className="role">{words.roles[user.role]}</span>
        </h1>
      </header>
      <p className="for-ears">{words.loading}</p>
      <noscript>
        <p className="note">{words.noScript}</p>
      </noscript>
    </div>
  );
}
