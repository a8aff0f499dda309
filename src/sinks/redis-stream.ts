import { Redis } from 'ioredis';
import type { Change } from './changes.ts';
import { type LastPublished, type Sink, SinkForeignError, SinkTakenError } from './sink.ts';

export interface RedisStreamOptions {
  readonly url: string;
  readonly stream: string;
  /** Messages that the stream keeps, or some more; 0: all. */
  readonly maxLength: number;
  /** A Redis that takes longer for a command is as good as away; 10,000. */
  readonly commandMillis?: number;
}

const CONNECT_MILLIS = 5000;

/**
 * Appends a batch where the last entry is still the one that was last. One script, because what is published in part, or by
 * two publishers in turn, could not be told from what is whole.
 */
const APPEND = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if (last[1] and last[1][1] or '') ~= ARGV[1] then return false end
local id
for at = 3, #ARGV, 3 do
  if ARGV[2] == '0' then
    id = redis.call('XADD', KEYS[1], '*', 'change', ARGV[at], 'key', ARGV[at + 1], 'data', ARGV[at + 2])
  else
    id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'change', ARGV[at], 'key', ARGV[at + 1], 'data', ARGV[at + 2])
  end
end
return id`;

type Entry = readonly [id: string, fields: readonly string[]];

/** Entries with the fields `change`, `key` and `data`. Rejects when Redis cannot be reached. */
export async function openRedisStream({
  url,
  stream,
  maxLength,
  commandMillis = 10_000,
}: RedisStreamOptions): Promise<Sink> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MILLIS,
    commandTimeout: commandMillis,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // Whoever publishes begins again with what is there last, on another connection.
    retryStrategy: () => null,
  });
  // Commands that fail say so.
  redis.on('error', () => {});
  let lastId = '';
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return {
    async readLast() {
      const [entry] = (await redis.xrevrange(stream, '+', '-', 'COUNT', 1)) as Entry[];
      lastId = entry?.[0] ?? '';
      return entry && parseEntry(entry, stream);
    },
    async append(changes) {
      const values = changes.flatMap((change) => [change.change, change.key ?? '', JSON.stringify(change)]);
      const id = await redis.eval(APPEND, 1, stream, lastId, maxLength, ...values);
      if (id === null) throw new SinkTakenError();
      lastId = String(id);
    },
    close: () => redis.disconnect(),
  };
}

/** Throws SinkForeignError. */
function parseEntry([, fields]: Entry, stream: string): LastPublished {
  const data = fields[fields.indexOf('data') + 1];
  try {
    const { position } = JSON.parse(data!) as Change;
    if (typeof position === 'string') return { position, isPartial: false };
  } catch {
    // It is not JSON.
  }
  throw new SinkForeignError(stream);
}
