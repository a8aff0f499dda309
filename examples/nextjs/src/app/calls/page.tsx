import { redirect } from 'next/navigation';
import { createLoader, type SearchParams } from 'nuqs/server';
import { Explorer } from '../../explorer.tsx';
import { printPageQuery, queryParsers } from '../../filter/page-query.ts';
import { queryOfUser } from '../../filter/query-of-user.ts';
import { currentLocale } from '../../server/current-locale.ts';
import { currentSession } from '../../server/current-session.ts';
import { firstPage } from '../../server/first-page.ts';
import { serverParts } from '../../server/server-parts.ts';
import { wordsOf } from '../../words/words.ts';

const loadQuery = createLoader(queryParsers);

/** Who asks, and what they may see, come from the session alone. */
export default async function Calls({ searchParams }: { readonly searchParams: Promise<SearchParams> }) {
  const asked = await loadQuery(searchParams);
  const session = await currentSession();
  if (!session) redirect(`/sign-in?next=${encodeURIComponent(`/calls${printPageQuery(asked)}`)}`);
  const { user } = session;
  const query = queryOfUser(asked, user);
  const parts = serverParts();
  const { settings } = parts;
  const locale = await currentLocale();
  const now = Date.now();
  return (
    <Explorer
      user={{ id: user.id, name: user.name, role: user.role, masked: user.masked }}
      words={wordsOf(locale)}
      locale={locale}
      countryCode={user.countryCode ?? settings.countryCode}
      amberSeconds={settings.amberSeconds}
      redSeconds={settings.redSeconds}
      now={now}
      first={await firstPage(parts, session, query, now)}
    />
  );
}
