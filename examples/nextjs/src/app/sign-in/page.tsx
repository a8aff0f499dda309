import { redirect } from 'next/navigation';
import { currentLocale } from '../../server/current-locale.ts';
import { currentSession } from '../../server/current-session.ts';
import { serverParts } from '../../server/server-parts.ts';
import { wordsOf } from '../../words/words.ts';

interface SignInProps {
  readonly searchParams: Promise<Readonly<Record<string, string | string[] | undefined>>>;
}

export default async function SignIn({ searchParams }: SignInProps) {
  const { error, next } = await searchParams;
  if (await currentSession()) redirect('/calls');
  const { signIn, title } = wordsOf(await currentLocale());
  const { settings, identityProvider } = serverParts();
  const problem = typeof error === 'string' && error in signIn.problems;
  const goOn = typeof next === 'string' ? next : '';
  return (
    <main className="sign-in">
      <div className="sign-in-box">
        <h1>
          <span className="mark" aria-hidden="true" />
          {title}
        </h1>
        <p className="aside">{signIn.about}</p>
        {problem && (
          <p className="problem" role="alert">
            {signIn.problems[error as keyof typeof signIn.problems]}
          </p>
        )}
        {identityProvider && (
          // A link to a route that redirects elsewhere: not for Next to fetch.
          <a className="button button-main" href={`/api/oidc-sign-in?${new URLSearchParams({ next: goOn })}`}>
            {signIn.elsewhere}
          </a>
        )}
        {settings.users.length > 0 && (
          <form action="/api/sign-in" method="post">
            <label className="field">
              <span>{signIn.name}</span>
              <input name="name" autoComplete="username" required autoCapitalize="none" spellCheck={false} />
            </label>
            <label className="field">
              <span>{signIn.password}</span>
              <input name="password" type="password" autoComplete="current-password" required />
            </label>
            <input type="hidden" name="next" value={goOn} />
            <button type="submit" className="button button-main">
              {signIn.button}
            </button>
          </form>
        )}
      </div>
    </main>
  );
}
