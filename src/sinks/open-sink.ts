import type { Sink } from './sink.ts';

export interface SinkOptions {
  /** Its protocol says what it is. */
  readonly url: string;
  readonly stream: string;
  /** Messages that the stream keeps; 0: all. */
  readonly maxLength: number;
}

/** Connects. The client of one is loaded only where it is wanted. */
export async function openSink(options: SinkOptions): Promise<Sink> {
  if (/^rediss?:/.test(options.url)) {
    const { openRedisStream } = await import('./redis-stream.ts');
    return openRedisStream(options);
  }
  const { openNatsStream } = await import('./nats-stream.ts');
  return openNatsStream(options);
}
