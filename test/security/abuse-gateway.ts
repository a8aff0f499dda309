import { UnauthenticatedError } from '../../src/errors.ts';
import { createGatewayServer } from '../../src/http/server.ts';
import { createTestGateway } from '../support/gateway.ts';
import { tenants } from './tenants.ts';

/**
 * A gateway in a process of its own, with four tenants and the limits of the defaults. It tells its port, and when it is told
 * `reset` or `report`, for how long its event loop was busy and what memory it has.
 */

/** Between two looks at the loop. */
const TICK_MILLIS = 10;

export interface GatewayReport {
  /** Processor time of the longest turn: what others take of the machine does not count. */
  readonly longestTurnMillis: number;
  readonly residentBytes: number;
}

const gateway = await createTestGateway(
  { replicaUrls: [process.env.REPLICA_URL!] },
  {
    tuning: { poolSize: 10 },
    principals: {
      async authenticate({ authorization }) {
        const tenant = tenants.find(({ token }) => authorization === `Bearer ${token}`);
        if (tenant) return tenant.principal;
        throw new UnauthenticatedError();
      },
    },
  },
);
const server = createGatewayServer(gateway.fetch, {
  drainTimeoutSeconds: 0,
  Request: gateway.Request,
  receive: gateway.receive,
  onError: () => {},
});

let longest = 0;
let last = processorMillis();
setInterval(() => {
  const now = processorMillis();
  longest = Math.max(longest, now - last - TICK_MILLIS);
  last = now;
}, TICK_MILLIS);

process.on('message', (message) => {
  if (message === 'reset') {
    globalThis.gc?.();
    longest = 0;
  }
  const residentBytes = process.memoryUsage.rss();
  process.send!({ longestTurnMillis: longest, residentBytes } satisfies GatewayReport);
});
process.on('disconnect', () => process.exit());
process.send!(await server.listen({ host: '127.0.0.1', port: 0 }));

function processorMillis(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
