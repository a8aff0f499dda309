import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import { hasNginx, type Nginx, startNginx } from './nginx.ts';
import { type Answer, errorOf, graphql, send, until } from './requests.ts';

const QUERY = '{ cdrs(first: 1) { nodes { cld } } cdrStats { totals { attempts } } }';

let database: TestDatabase;
let staying: GatewayProcess;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  if (!hasNginx) return;
  database = stack.use(await createTestDatabase());
  await database.insertXdrs([anXdr(), anXdr()]);
  staying = stack.use(await startGatewayProcess(database.replicaUrls));
});

afterAll(() => stack.disposeAsync());

/** Each from an address of its own: this is not about the limit. */
async function askMany(
  nginx: Nginx,
  count: number,
  onAnswer: (so_far: number) => void,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const askSome = async () => {
    while (next < count) {
      const number = next++;
      answers.push(await send(nginx, graphql(QUERY, { from: `127.1.${number >> 7}.${1 + (number & 127)}` })));
      onAnswer(answers.length);
    }
  };
  await Promise.all(Array.from({ length: 4 }, askSome));
  return answers;
}

describe.skipIf(!hasNginx)('two gateways behind nginx', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'no request fails while one of them ends by %s, and it gets work again',
    async (signal) => {
      await using leaving = await startGatewayProcess(database.replicaUrls);
      await using nginx = await startNginx({ site: 'compose', gatewayPorts: [staying.port, leaving.port] });
      const answers = await askMany(nginx, 200, (soFar) => {
        if (soFar === 60) void leaving.end(signal);
      });

      expect(answers.filter(({ status, text }) => status !== 200 || text.includes('"errors"'))).toEqual([]);
      expect(leaving.log.filter(({ msg }) => msg === 'request').length).toBeGreaterThan(10);

      await using back = await startGatewayProcess(database.replicaUrls, leaving.port);
      await until(async () => {
        await askMany(nginx, 4, () => {});
        return back.log.some(({ msg }) => msg === 'request');
      });
    },
  );

  test('with both of them gone, a request fails with a code', async () => {
    await using one = await startGatewayProcess(database.replicaUrls);
    await using nginx = await startNginx({ site: 'host', gatewayPorts: [one.port, one.port] });
    await one.end('SIGKILL');
    const answer = await send(nginx, graphql(QUERY));

    expect([answer.status, errorOf(answer)]).toEqual([
      502,
      { code: 'NO_REPLICA_AVAILABLE', retryable: true },
    ]);
    expect(answer.headers['retry-after']).toBe('1');
  });
});
