import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A cable between a standby and its primary, or a gateway and its server, that can be made slow or cut without a word. */
export interface Cable extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Where it leads: new connections go there. */
  target: { readonly host: string; readonly port: number };
  /** Bytes per second towards whoever connects; Infinity is an open line, 0 swallows nothing and carries nothing. */
  bandwidth(bytesPerSecond: number): void;
  /** Whether anything is carried towards whoever connects (`down`), and towards the server (`up`). */
  carry(directions: { readonly down?: boolean; readonly up?: boolean }): void;
  /** From now on nothing is carried on the connections there are, and no end learns of it; new ones work. */
  swallow(): void;
  /** Whether new connections are ended at once. */
  refuse(isRefusing: boolean): void;
  /** Ends every connection, as a dying router would. */
  reset(): void;
}

const TICK_MS = 20;

export async function startCable(target: Cable['target']): Promise<Cable> {
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  let carries = { down: true, up: true };
  let isRefusing = false;
  const pairs = new Set<readonly [Socket, Socket]>();
  const swallowed = new WeakSet<Socket>();

  const server = createServer({ pauseOnConnect: true }, (down) => {
    if (isRefusing) {
      down.resetAndDestroy();
      return;
    }
    const up = connect(cable.target);
    const pair = [down, up] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    const isCut = () => bytesPerSecond === 0 || swallowed.has(down);
    forward(up, down, () => (isCut() || !carries.down ? 0 : bytesPerSecond));
    forward(down, up, () => (isCut() || !carries.up ? 0 : Number.POSITIVE_INFINITY));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cable: Cable = {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    target,
    bandwidth(given) {
      bytesPerSecond = given;
    },
    carry(directions) {
      carries = { ...carries, ...directions };
    },
    swallow() {
      for (const [down] of pairs) swallowed.add(down);
    },
    refuse(given) {
      isRefusing = given;
    },
    reset() {
      for (const [down, up] of pairs) {
        down.destroy();
        up.destroy();
      }
    },
    async [Symbol.asyncDispose]() {
      server.close();
      cable.reset();
    },
  };
  return cable;
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
