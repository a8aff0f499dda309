import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Change, FeedUpdate } from '../../src/sinks/changes.ts';
import { openSink } from '../../src/sinks/open-sink.ts';
import { Publisher } from '../../src/sinks/publisher.ts';
import { SinkForeignError, SinkTakenError } from '../../src/sinks/sink.ts';
import { hasNats, type NatsServer, startNats } from '../support/nats.ts';

let directory: string;
let nats: NatsServer;

beforeAll(async () => {
  if (!hasNats) return;
  directory = mkdtempSync(join(tmpdir(), 'cdr-gateway-nats-'));
  nats = await startNats(directory);
});

afterAll(async () => {
  await nats?.end();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

const open = (stream: string, maxLength = 1000) => openSink({ url: nats.url, stream, maxLength });

const inserted = (id: string, position: string, account = '14'): Change => ({
  change: 'inserted',
  key: account,
  position,
  mayRepeat: false,
  call: { id, accountId: account },
});

interface Stored {
  readonly subject: string;
  readonly change: Change;
}

async function readAll(stream: string): Promise<Stored[]> {
  const connection = await connect({ servers: new URL(nats.url).host });
  try {
    const { streams } = await jetstreamManager(connection);
    const { state } = await streams.info(stream);
    const stored: Stored[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = (await streams.getMessage(stream, { seq }))!;
      stored.push({ subject: message.subject, change: message.json<Change>() });
    }
    return stored;
  } finally {
    await connection.close();
  }
}

async function publishRaw(subject: string, text: string): Promise<void> {
  const connection = await connect({ servers: new URL(nats.url).host });
  await jetstream(connection).publish(subject, text);
  await connection.close();
}

describe.skipIf(!hasNats)('a stream of NATS', () => {
  test('is made, has a subject for each account, and says where it ends', async () => {
    const sink = await open('calls');
    expect(await sink.readLast()).toBeUndefined();
    await sink.append([inserted('1', 'a'), inserted('2', 'b', '15')]);
    await sink.append([{ change: 'mark', key: null, position: 'c', mayRepeat: false, asOf: null }]);
    sink.close();
    const again = await open('calls');
    expect(await again.readLast()).toEqual({ position: 'c', isPartial: false });
    again.close();
    const stored = await readAll('calls');
    expect(stored.map(({ subject }) => subject)).toEqual([
      'calls.14.inserted',
      'calls.15.inserted',
      'calls.none.mark',
    ]);
    expect(stored[0]!.change).toEqual(inserted('1', 'a'));
  });

  test('takes nothing of who does not know what is last', async () => {
    const [one, other] = [await open('shared'), await open('shared')];
    await one.readLast();
    await other.readLast();
    await one.append([inserted('1', 'a')]);
    await expect(other.append([inserted('1', 'a'), inserted('2', 'b')])).rejects.toThrow(SinkTakenError);
    expect(await other.readLast()).toEqual({ position: 'a', isPartial: false });
    await other.append([inserted('2', 'b')]);
    one.close();
    other.close();
    expect((await readAll('shared')).map(({ change }) => change.position)).toEqual(['a', 'b']);
  });

  test('keeps what it was given when it is killed', async () => {
    const sink = await open('kept');
    await sink.readLast();
    await sink.append(Array.from({ length: 50 }, (_, index) => inserted(String(index), `at ${index}`)));
    const { port } = new URL(nats.url);
    await nats.end();
    await expect(sink.append([inserted('50', 'at 50')])).rejects.toThrow();
    sink.close();
    nats = await startNats(directory, Number(port));
    await expect
      .poll(() => open('kept').then((each) => each.readLast()), { timeout: 30_000 })
      .toEqual({
        position: 'at 49',
        isPartial: false,
      });
  });

  test('keeps no more than it is told to, and none that is not ours', async () => {
    const sink = await open('short', 10);
    await sink.readLast();
    await sink.append(Array.from({ length: 25 }, (_, index) => inserted(String(index), `at ${index}`)));
    expect((await readAll('short')).map(({ change }) => change.position)[0]).toBe('at 15');
    await publishRaw('short.temperature', '21');
    await expect(sink.readLast()).rejects.toThrow(SinkForeignError);
    sink.close();
  });

  test('goes on behind an update of which it has a part, with the warning that it may come twice', async () => {
    const sink = await open('partial');
    await sink.readLast();
    await sink.append([inserted('1', 'a')]);
    sink.close();
    await publishRaw('partial.14.inserted', JSON.stringify(inserted('2', 'a')));
    const update = (cursor: string, ids: readonly string[], asOf: string | null): FeedUpdate => ({
      cursor,
      asOf,
      stalenessSeconds: asOf === null ? null : 1,
      mayRepeat: false,
      inserted: ids.map((id) => ({ id, accountId: '14' })),
      corrected: [],
      deletedIds: [],
      departures: [],
      gap: null,
    });
    const stopping = new AbortController();
    const behind: (string | undefined)[] = [];
    const publisher = new Publisher({
      openSink: () => open('partial'),
      async *readFeed(after, signal) {
        behind.push(after);
        yield update('b', ['2', '3'], null);
        yield update('c', ['4'], '2026-01-05T09:00:00.000000Z');
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      logger: { info() {}, warn() {} },
    });
    const running = publisher.run(stopping.signal);
    await expect.poll(() => publisher.published.get('inserted'), { timeout: 30_000 }).toBe(3);
    stopping.abort();
    await running;
    expect(behind).toEqual(['a']);
    const stored = (await readAll('partial')).map(({ change }) => change);
    expect(stored.map((each) => ['call' in each && each.call.id, each.position, each.mayRepeat])).toEqual([
      ['1', 'a', false],
      ['2', 'a', false],
      ['2', 'a', true],
      ['3', 'b', true],
      ['4', 'c', false],
    ]);
  });
});
