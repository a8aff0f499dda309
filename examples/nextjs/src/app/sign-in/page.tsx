import { redirect } from 'next/navigation';
import { currentLocale } from '../../server/current-locale.ts';
import { currentUser } from '../../server/current-user.ts';
import { wordsOf } from '../../words/words.ts';

interface SignInProps {
  readonly searchParams: Promise<Readonly<Record<string, string | string[] | undefined>>>;
}

export default async function SignIn({ searchParams }: SignInProps) {
  const { error, next } = await searchParams;
  if (await currentUser()) redirect('/calls');
  const { signIn, title } = wordsOf(await currentLocale());
  const problem = error === 'wait' ? signIn.wait : error === 'wrong' ? signIn.wrong : undefined;
  return (
    <main className="sign-in">
      <form action="/api/sign-in" method="post">
        <h1>
          <span className="mark" aria-hidden="true" />
          {title}
        </h1>
        <p className="aside">{signIn.about}</p>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <label className="field">
          <span>{signIn.name}</span>
          <input name="name" autoComplete="username" required autoCapitalize="none" spellCheck={false} />
        </label>
        <label className="field">
          <span>{signIn.password}</span>
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <input type="hidden" name="next" value={typeof next === 'string' ? next : ''} />
        <button type="submit" className="button button-main">
          {signIn.button}
        </button>
      </form>
    </main>
  );
}
