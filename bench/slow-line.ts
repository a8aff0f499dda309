import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface SlowLine extends AsyncDisposable {
  /** What goes to it comes to the port behind, and its answers no faster than the line is. */
  readonly port: number;
}

/** At once, so that the line is used evenly. */
const PIECE_BYTES = 16 * 1024;

/** A line of so many bytes per second in front of a port of this host. */
export async function openSlowLine(target: number, bytesPerSecond: number): Promise<SlowLine> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    near.on('data', (data) => far.write(data)).on('close', () => far.destroy());
    carry(far, near, bytesPerSecond).catch(() => near.destroy());
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function carry(from: Socket, to: Socket, bytesPerSecond: number): Promise<void> {
  let freeAt = 0;
  for await (const data of from) {
    for (let start = 0; start < data.length; start += PIECE_BYTES) {
      const piece = data.subarray(start, start + PIECE_BYTES);
      const now = performance.now();
      freeAt = Math.max(freeAt, now) + (piece.length / bytesPerSecond) * 1000;
      if (freeAt > now + 1) await delay(freeAt - now);
      to.write(piece);
    }
  }
  to.end();
}
