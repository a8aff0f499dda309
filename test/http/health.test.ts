import { expect, test } from 'vitest';
import { createHealthRoute, type StandbyHealth } from '../../src/http/health.ts';
import { createRouter } from '../../src/http/routes.ts';

const streaming: StandbyHealth = {
  name: 'replica-1',
  status: 'STREAMING',
  lagSeconds: 0.4,
  sampledAt: '2026-01-05T09:00:00.000000Z',
};
const lost: StandbyHealth = { ...streaming, name: 'replica-2', status: 'UNREACHABLE', lagSeconds: null };

interface State {
  ready?: boolean;
  draining?: boolean;
  standbys?: StandbyHealth[];
}

/** Asks a gateway in this state. */
function ask(path: string, state: State = {}, method = 'GET') {
  const { ready = true, draining = false, standbys = [streaming] } = state;
  const route = createHealthRoute({
    isReady: () => ready,
    isDraining: () => draining,
    standbys: () => standbys,
  });
  return createRouter([route])(new Request(`http://gateway${path}`, { method }));
}

test('a process that runs is alive, whatever its standbys do', async () => {
  const response = await ask('/livez', { ready: false, draining: true, standbys: [lost] });

  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: 'pass' });
});

test.each(['/readyz', '/health'])(
  '%s is 200 while a standby answers, with a check for each',
  async (path) => {
    const response = await ask(path);

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/health+json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      status: 'pass',
      checks: {
        'replica-1:staleness': [
          {
            componentType: 'datastore',
            status: 'pass',
            observedValue: 0.4,
            observedUnit: 's',
            time: '2026-01-05T09:00:00.000000Z',
          },
        ],
      },
    });
  },
);

test('one lost standby of two is a warning, not a refusal', async () => {
  const response = await ask('/readyz', { standbys: [streaming, lost] });

  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    status: 'warn',
    checks: {
      'replica-1:staleness': [{ status: 'pass' }],
      'replica-2:staleness': [{ status: 'fail', output: expect.stringContaining('UNREACHABLE') }],
    },
  });
});

test('a staleness that is unknown is absent, never 0', async () => {
  const { checks } = (await (await ask('/readyz', { standbys: [lost] })).json()) as {
    checks: Record<string, object[]>;
  };

  expect(checks['replica-2:staleness']?.[0]).not.toHaveProperty('observedValue');
});

test.each<[State, string]>([
  [{ ready: false, standbys: [lost] }, 'No standby can answer now.'],
  [{ draining: true }, 'The gateway is closing down.'],
])('%j is 503', async (state, output) => {
  const response = await ask('/readyz', state);

  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ status: 'fail', output });
});

test('HEAD has the status and headers of GET, and no body', async () => {
  const [head, get] = [await ask('/readyz', {}, 'HEAD'), await ask('/readyz')];

  expect(head.status).toBe(200);
  expect([...head.headers]).toEqual([...get.headers]);
  expect(await head.text()).toBe('');
});

test('other methods are 405, with those that work', async () => {
  const response = await ask('/livez', {}, 'POST');

  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('GET, HEAD');
});

test.each(['/graphql?x=/readyz', '/else/livez', '/livez/', '/health/x', '/constructor'])(
  '%s is no probe',
  async (path) => {
    expect((await ask(path)).status).toBe(404);
  },
);

test.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])(
  'what comes through a proxy, as %s says, is told no name of a standby',
  async (header) => {
    const route = createHealthRoute({
      isReady: () => true,
      problems: () => ['xdrs has no cld'],
      isDraining: () => false,
      standbys: () => [streaming, lost],
    });
    const request = new Request('http://gateway/readyz', { headers: { [header]: '192.0.2.7' } });
    const response = await createRouter([route])(request);

    expect([response.status, await response.text()]).toEqual([200, '{"status":"warn"}']);
  },
);
