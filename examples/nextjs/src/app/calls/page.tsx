import { redirect } from 'next/navigation';
import { createLoader, type SearchParams } from 'nuqs/server';
import { Explorer } from '../../explorer.tsx';
import { printPageQuery, queryParsers } from '../../filter/page-query.ts';
import { queryOfUser } from '../../filter/query-of-user.ts';
import { currentLocale } from '../../server/current-locale.ts';
import { currentUser } from '../../server/current-user.ts';
import { settingsOfProcess } from '../../server/environment.ts';
import { firstPage } from '../../server/first-page.ts';
import { wordsOf } from '../../words/words.ts';

const loadQuery = createLoader(queryParsers);

/** The account of a customer, and what anybody may see, come from the session alone. */
export default async function Calls({ searchParams }: { readonly searchParams: Promise<SearchParams> }) {
  const asked = await loadQuery(searchParams);
  const user = await currentUser();
  if (!user) redirect(`/sign-in?next=${encodeURIComponent(`/calls${printPageQuery(asked)}`)}`);
  const query = queryOfUser(asked, user);
  const settings = settingsOfProcess();
  const locale = await currentLocale();
  const now = Date.now();
  return (
    <Explorer
      user={{ name: user.name, role: user.role, masked: user.masked }}
      words={wordsOf(locale)}
      locale={locale}
      countryCode={user.countryCode ?? settings.countryCode}
      amberSeconds={settings.amberSeconds}
      redSeconds={settings.redSeconds}
      now={now}
      first={await firstPage(settings, user, query, now)}
    />
  );
}
