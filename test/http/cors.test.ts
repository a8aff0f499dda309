import { expect, test } from 'vitest';
import { withCors } from '../../src/http/cors.ts';

const portal = 'https://portal.example';

function ask(allowed: string[], init: RequestInit) {
  const handler = withCors(() => new Response('answer', { headers: { vary: 'Accept' } }), allowed);
  return handler(new Request('http://gateway/graphql', init));
}

const preflight = (origin: string): RequestInit => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  },
});

test('a page of an allowed origin may ask with a token, and read the answer', async () => {
  const permission = await ask([portal, 'https://other.example'], preflight(portal));
  const answer = await ask([portal], { headers: { origin: portal } });

  expect(permission.status).toBe(204);
  expect(permission.headers.get('access-control-allow-origin')).toBe(portal);
  expect(permission.headers.get('access-control-allow-headers')).toContain('Authorization');
  expect(permission.headers.get('access-control-allow-methods')).toContain('POST');
  expect(await answer.text()).toBe('answer');
  expect(answer.headers.get('access-control-allow-origin')).toBe(portal);
  const exposed = answer.headers.get('access-control-expose-headers')!.split(', ');
  expect(exposed).toEqual(
    expect.arrayContaining(['X-Request-Id', 'Retry-After', 'X-Replica', 'X-Read-Token']),
  );
});

test.each(['https://evil.example', 'null', 'https://portal.example.evil.example', 'http://portal.example'])(
  'a page of %s gets no permission',
  async (origin) => {
    for (const init of [preflight(origin), { headers: { origin } }]) {
      const { headers } = await ask([portal], init);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  },
);

test('caches keep the answers for different origins apart', async () => {
  expect((await ask([portal], {})).headers.get('vary')).toBe('Accept, Origin');
  expect((await ask(['*'], {})).headers.get('vary')).toBe('Accept');
});

test('without origins in the settings nothing is permitted', async () => {
  const { status, headers } = await ask([], preflight(portal));

  expect(status).toBe(200);
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

test('all origins may be permitted, and credentials never are', async () => {
  const { headers } = await ask(['*'], preflight('https://anywhere.example'));

  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(headers.has('access-control-allow-credentials')).toBe(false);
});
