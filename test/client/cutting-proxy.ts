import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What becomes of one connection. */
export interface Cut {
  /** So many bytes of the answer pass, then it is cut. */
  readonly afterBytes: number;
  /** `end` closes as a server does that has said everything, `reset` as a router that died; `stall` says nothing more. */
  readonly how: 'end' | 'reset' | 'stall';
}

/** Stands between a client and a gateway, and knows nothing of HTTP. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** Bytes of answers that were handed on. */
  readonly passed: number;
  /** Those over which something was requested. */
  readonly connections: number;
  /** Connections whose answer was longer than what passed, or as long. */
  readonly wereCut: number;
}

/** Cuts its first connections, one after the other, and leaves those behind them alone. */
export async function startCuttingProxy(target: string, cuts: readonly Cut[] = []): Promise<CuttingProxy> {
  const { hostname, port, pathname } = new URL(target);
  const open = new Set<Socket>();
  let passed = 0;
  let connections = 0;
  let wereCut = 0;

  const server = createServer((down) => {
    let cut: Cut | undefined;
    let allowance = Number.POSITIVE_INFINITY;
    // Clients also open connections ahead, and never use them.
    down.once('data', () => {
      cut = cuts[connections];
      connections += 1;
      allowance = cut?.afterBytes ?? allowance;
    });
    const up = connect(Number(port), hostname);
    for (const [socket, other] of [
      [down, up],
      [up, down],
    ] as const) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        if (socket === down || !cut) other.destroy();
      });
    }
    down.pipe(up, { end: false });
    up.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, allowance);
      allowance -= part.length;
      passed += part.length;
      // No more than the client takes: its slowness is to be felt by the gateway.
      if (!down.write(part)) {
        up.pause();
        down.once('drain', () => up.resume());
      }
      if (allowance > 0) return;
      wereCut += 1;
      up.destroy();
      if (cut?.how === 'stall') return;
      if (cut?.how === 'reset') down.resetAndDestroy();
      else down.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    get passed() {
      return passed;
    },
    get connections() {
      return connections;
    },
    get wereCut() {
      return wereCut;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
