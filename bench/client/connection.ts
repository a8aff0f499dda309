import { connect, type Socket } from 'node:net';

/** What came back for one request. Times are milliseconds from the moment the request was handed to the kernel. */
export interface Exchange {
  readonly status: number;
  /** Of the body as it travelled, chunk headers included. */
  readonly bytes: number;
  /** Until the first byte of the body, not of the head. */
  readonly firstByte: number;
  readonly total: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
/**
 * The last chunk, and the trailers that follow it behind a file. No body of JSON or CSV ends so: the first has no bare
 * line ends, the second no empty lines.
 */
const LAST_CHUNK = /\r\n0\r\n(?:[\w-]+: [^\r\n]*\r\n)*\r\n$/;
/** More than it and the trailers need. */
const END_BYTES = 1024;
const RECEIVE_BYTES = 256 * 1024;
/** A server that says nothing for so long has lost the request. */
const SILENT_MILLIS = 60_000;

/**
 * One kept-alive connection that sends requests and counts what comes back. No HTTP library, one buffer for everything: on a
 * machine of few cores, work done by the one who measures is work taken from the one who is measured.
 */
export class Connection {
  readonly #socket: Socket;
  #head = Buffer.alloc(0);
  #inBody = false;
  /** Bytes of body still to come; -1 when it comes in chunks. */
  #left = 0;
  #tail = Buffer.alloc(0);
  #status = 0;
  #bytes = 0;
  #sentAt = 0;
  #firstByteAt = 0;
  #answer: PromiseWithResolvers<Exchange> | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static open(port: number): Promise<Connection> {
    const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          connection.#receive(buffer.subarray(0, length));
          return true;
        },
      },
    });
    const connection = new Connection(socket);
    socket.once('connect', () => resolve(connection));
    socket.on('error', (error) => {
      reject(error);
      connection.#answer?.reject(error);
    });
    socket.on('timeout', () => socket.destroy(new Error('The server said nothing for a minute.')));
    socket.on('close', () => connection.#answer?.reject(new Error('The server closed the connection.')));
    return promise;
  }

  /** False once the server has closed it, as servers do with connections that were idle for a while. */
  get isOpen(): boolean {
    return this.#socket.readyState === 'open';
  }

  /** Sends a whole request and resolves when the last byte of its answer is here. One at a time. */
  exchange(request: Buffer): Promise<Exchange> {
    this.#answer = Promise.withResolvers();
    this.#socket.setTimeout(SILENT_MILLIS);
    this.#head = Buffer.alloc(0);
    this.#inBody = false;
    this.#bytes = 0;
    this.#firstByteAt = 0;
    this.#sentAt = performance.now();
    this.#socket.write(request);
    return this.#answer.promise;
  }

  close(): void {
    this.#answer = undefined;
    this.#socket.destroy();
  }

  #receive(data: Buffer): void {
    if (this.#inBody) {
      this.#receiveBody(data);
      return;
    }
    this.#head = this.#head.length === 0 ? Buffer.from(data) : Buffer.concat([this.#head, data]);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#head.toString('latin1', 0, end);
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    // What has not been modified has no body.
    this.#left = this.#status === 304 ? 0 : length ? Number(length[1]) : -1;
    this.#inBody = true;
    // The last chunk may be the first: its mark begins with a line end, as the head does.
    this.#tail = Buffer.from('\r\n');
    const rest = this.#head.subarray(end + HEAD_END.length);
    if (rest.length > 0 || this.#left === 0) this.#receiveBody(rest);
  }

  #receiveBody(data: Buffer): void {
    if (this.#firstByteAt === 0) this.#firstByteAt = performance.now();
    this.#bytes += data.length;
    if (this.#left >= 0) {
      this.#left -= data.length;
      if (this.#left <= 0) this.#finish();
      return;
    }
    const all = data.length >= END_BYTES ? data : Buffer.concat([this.#tail, data]);
    const tail = all.subarray(-END_BYTES);
    // Most of what comes is not the end, and need not become text.
    const mayEnd = tail.subarray(-HEAD_END.length).equals(HEAD_END);
    if (mayEnd && LAST_CHUNK.test(tail.toString('latin1'))) this.#finish();
    else this.#tail = Buffer.from(tail);
  }

  #finish(): void {
    const now = performance.now();
    this.#socket.setTimeout(0);
    this.#answer?.resolve({
      status: this.#status,
      bytes: this.#bytes,
      firstByte: this.#firstByteAt - this.#sentAt,
      total: now - this.#sentAt,
    });
    this.#answer = undefined;
  }
}
