import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { DemoError } from './demo-error.ts';

/** Below the range kernels hand to outgoing connections: a server that stops finds its port free again later. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 200;

/** A port that is free on the loopback interface at this moment, and none of `taken`. */
export async function findFreePort(taken: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (!taken.includes(port) && (await isPortFree(port))) return port;
  }
  throw new DemoError('No free port was found on 127.0.0.1.');
}

/** True when a server could listen there now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = await listen(port, host);
  if (!server) return false;
  await new Promise((done) => server.close(done));
  return true;
}

function listen(port: number, host = '127.0.0.1'): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => resolve(server));
  });
}
