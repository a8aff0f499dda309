import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A cable between a standby and its primary that can be made slow, or cut without a word to either end. */
export interface Cable extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Bytes per second towards the standby; Infinity is an open line, 0 swallows nothing and carries nothing. */
  bandwidth(bytesPerSecond: number): void;
  /** Ends every connection, as a dying router would. */
  reset(): void;
}

const TICK_MS = 20;

export async function startCable(target: { readonly host: string; readonly port: number }): Promise<Cable> {
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  const pairs = new Set<readonly [Socket, Socket]>();

  const server = createServer({ pauseOnConnect: true }, (down) => {
    const up = connect(target);
    const pair = [down, up] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    forward(up, down, () => bytesPerSecond);
    forward(down, up, () => (bytesPerSecond === 0 ? 0 : Number.POSITIVE_INFINITY));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function reset(): void {
    for (const [down, up] of pairs) {
      down.destroy();
      up.destroy();
    }
  }

  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    bandwidth(given) {
      bytesPerSecond = given;
    },
    reset,
    async [Symbol.asyncDispose]() {
      server.close();
      reset();
    },
  };
}

/** Reads no more than it may carry on, so that the sender's socket fills as it would on a slow line. */
function forward(from: Socket, to: Socket, rate: () => number): void {
  from.pause();
  const timer = setInterval(() => {
    let allowance = rate() * (TICK_MS / 1000);
    while (allowance > 0) {
      const size = Math.min(allowance, from.readableLength);
      const chunk: Buffer | null = size > 0 ? from.read(Math.ceil(size)) : from.read();
      if (!chunk) return;
      to.write(chunk);
      allowance -= chunk.length;
    }
  }, TICK_MS);
  from.on('readable', () => {});
  from.on('close', () => clearInterval(timer));
}
