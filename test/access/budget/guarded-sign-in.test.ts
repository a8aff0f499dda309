import { describe, expect, test } from 'vitest';
import { GuardedSignIn } from '../../../src/access/budget/guarded-sign-in.ts';
import { createLocalCounter } from '../../../src/access/budget/point-counter.ts';
import type { Principal } from '../../../src/access/principals.ts';
import { UnauthenticatedError } from '../../../src/errors.ts';

const somebody: Principal = { name: 'admin', role: 'ADMIN', scope: { kind: 'all' }, maxPage: 1 };

function guard(maxFailures = 5) {
  const good = new Set(['Bearer good', 'Bearer better']);
  let lookUps = 0;
  const guarded = new GuardedSignIn({
    maxFailures,
    counter: createLocalCounter(),
    principals: {
      async authenticate({ authorization }) {
        lookUps++;
        if (good.has(authorization ?? '')) return somebody;
        throw new UnauthenticatedError();
      },
    },
  });
  const signIn = (token: string | null, address: string | undefined = '192.0.2.1') =>
    guarded.authenticate({ authorization: token && `Bearer ${token}`, address }).then(
      () => 'in',
      (error) => error.code as string,
    );
  return { guarded, good, signIn, lookUps: () => lookUps };
}

const guesses = (count: number) => Array.from({ length: count }, (_, number) => `guess-${number}`);

describe('guesses from one address', () => {
  test('are looked at a few times a minute', async () => {
    const { signIn, lookUps, guarded } = guard();
    const answers: string[] = [];
    for (const guess of guesses(411)) answers.push(await signIn(guess));
    expect(answers.filter((answer) => answer === 'UNAUTHENTICATED')).toHaveLength(5);
    expect(answers.filter((answer) => answer === 'RATE_LIMITED')).toHaveLength(406);
    expect(lookUps()).toBe(5);
    expect(guarded.report()).toEqual({ failed: 5, refused: 406 });
  });

  test('tell nothing of a right one among them', async () => {
    const { signIn } = guard();
    for (const guess of guesses(5)) await signIn(guess);
    expect(await signIn('good')).toBe('RATE_LIMITED');
  });

  test('do not lock out who was there before, until its token is taken away', async () => {
    const { signIn, good } = guard();
    expect(await signIn('good')).toBe('in');
    for (const guess of guesses(50)) await signIn(guess);
    expect(await signIn('good')).toBe('in');
    good.delete('Bearer good');
    expect(await signIn('good')).toBe('UNAUTHENTICATED');
    expect(await signIn('good')).toBe('RATE_LIMITED');
  });

  test('do not concern other addresses', async () => {
    const { signIn } = guard();
    for (const guess of guesses(50)) await signIn(guess);
    expect(await signIn('better', '192.0.2.2')).toBe('in');
  });

  test.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'],
    ['2001:db8::1', '2001:db8:0:0:5::', '2001:db8:0:1::1'],
    ['::ffff:192.0.2.7', '192.0.2.7', '::ffff:192.0.2.8'],
  ])('count as of one network: %s and %s, not %s', async (one, same, other) => {
    const { signIn } = guard();
    for (const guess of guesses(5)) await signIn(guess, one);
    expect(await signIn('good', same)).toBe('RATE_LIMITED');
    expect(await signIn('good', other)).toBe('in');
  });
});

test('who sends no token is told so, however often', async () => {
  const { signIn } = guard();
  for (let number = 0; number < 20; number++) expect(await signIn(null)).toBe('UNAUTHENTICATED');
  expect(await signIn('good')).toBe('in');
});
