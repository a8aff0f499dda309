import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A statement as PostgreSQL got it. */
export interface SentStatement {
  readonly text: string;
  /** As text; null is SQL's. */
  readonly values: readonly (string | null)[];
}

/** A line to a server that tells every statement on it, whoever sends it. */
export interface WireTap extends AsyncDisposable {
  /** The server's, by way of the tap. */
  readonly url: string;
  /** Statements so far, oldest first. */
  readonly sent: SentStatement[];
}

/** Listens on the loopback interface, to what clients send without TLS. */
export async function startWireTap(serverUrl: string): Promise<WireTap> {
  const target = new URL(serverUrl);
  const sent: SentStatement[] = [];
  const sockets = new Set<Socket>();

  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    const reader = new FrontendReader((statement) => sent.push(statement));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    client.on('data', (bytes: Buffer) => reader.read(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    sent,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const HEADER_BYTES = 5;

/** Reads the messages of one client, as the protocol has them (version 3). */
class FrontendReader {
  readonly #onStatement: (statement: SentStatement) => void;
  readonly #texts = new Map<string, string>();
  #rest = Buffer.alloc(0);
  #hasStarted = false;

  constructor(onStatement: (statement: SentStatement) => void) {
    this.#onStatement = onStatement;
  }

  read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (!this.#hasStarted) {
      // The first message has no type: a start, or a cancellation, after which nothing comes.
      if (this.#rest.length < 4 || this.#rest.length < this.#rest.readInt32BE(0)) return;
      this.#rest = this.#rest.subarray(this.#rest.readInt32BE(0));
      this.#hasStarted = true;
    }
    while (this.#rest.length >= HEADER_BYTES) {
      const length = 1 + this.#rest.readInt32BE(1);
      if (this.#rest.length < length) return;
      this.#take(String.fromCharCode(this.#rest[0]!), this.#rest.subarray(HEADER_BYTES, length));
      this.#rest = this.#rest.subarray(length);
    }
  }

  #take(type: string, body: Buffer): void {
    if (type === 'Q') this.#onStatement({ text: textAt(body, 0).text, values: [] });
    if (type === 'P') {
      const name = textAt(body, 0);
      this.#texts.set(name.text, textAt(body, name.end).text);
    }
    if (type === 'B') this.#onStatement(this.#bound(body));
  }

  #bound(body: Buffer): SentStatement {
    const name = textAt(body, textAt(body, 0).end);
    let at = name.end + 2 + 2 * body.readInt16BE(name.end);
    const values: (string | null)[] = [];
    const count = body.readInt16BE(at);
    at += 2;
    for (let index = 0; index < count; index++) {
      const length = body.readInt32BE(at);
      at += 4;
      values.push(length < 0 ? null : body.toString('utf8', at, at + length));
      at += Math.max(length, 0);
    }
    return { text: this.#texts.get(name.text) ?? '', values };
  }
}

function textAt(bytes: Buffer, start: number): { text: string; end: number } {
  const zero = bytes.indexOf(0, start);
  return { text: bytes.toString('utf8', start, zero), end: zero + 1 };
}
