import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConnectionQueue, type Leave } from '../../src/replicas/connection-queue.ts';

const patient = { maxWaitMillis: 60_000, maxTotalWaitMillis: 60_000 };

/** A statement of a principal, which runs until it is ended. */
class Statements {
  readonly order: string[] = [];
  readonly running = new Map<string, Leave>();
  readonly refused: string[] = [];
  readonly queue: ConnectionQueue;
  readonly #operations = new Map<string, object>();

  constructor(size: number, patience = patient) {
    this.queue = new ConnectionQueue({ size, ...patience });
  }

  /** Named `principal/operation/number`. */
  begin(name: string, options: { signal?: AbortSignal; isNested?: boolean; isHeavy?: boolean } = {}): void {
    const [principal, operation] = name.split('/') as [string, string];
    const key = `${principal}/${operation}`;
    const object = this.#operations.get(key) ?? {};
    this.#operations.set(key, object);
    this.queue.enter({ principal, role: principal.toUpperCase(), operation: object }, options).then(
      (leave) => {
        this.order.push(name);
        this.running.set(name, leave);
      },
      (error) => this.refused.push(`${name}: ${error.code ?? error}`),
    );
  }

  /** Ends the statement, or the one that has run for longest. */
  async end(name = [...this.running.keys()][0]!): Promise<void> {
    this.running.get(name)!();
    this.running.delete(name);
    await turn();
  }

  runningOf(principal: string): number {
    return [...this.running.keys()].filter((name) => name.startsWith(`${principal}/`)).length;
  }
}

test('whoever comes next finds a connection free, however much the others want', async () => {
  const statements = new Statements(10);
  for (let number = 1; number <= 99; number++) statements.begin(`a/o/${number}`);
  await turn();
  expect(statements.running.size).toBe(5);
  statements.begin('b/o/1');
  await turn();
  expect(statements.runningOf('b')).toBe(1);
  for (let number = 2; number <= 99; number++) statements.begin(`b/o/${number}`);
  await turn();
  expect(statements.running.size).toBeLessThan(10);
  statements.begin('c/o/1');
  await turn();
  expect(statements.runningOf('c')).toBe(1);
});

test('a statement that waits behind 99 of another principal is the next to run', async () => {
  const statements = new Statements(1);
  for (let number = 1; number <= 100; number++) statements.begin(`a/o/${number}`);
  statements.begin('b/o/1');
  await turn();
  expect(statements.order).toEqual(['a/o/1']);
  await statements.end();
  expect(statements.order).toEqual(['a/o/1', 'b/o/1']);
  await statements.end();
  expect(statements.order.slice(2)).toEqual(['a/o/2']);
});

test('principals take turns, operations of one principal too, and statements of one operation keep their order', async () => {
  const statements = new Statements(1);
  for (const name of ['a/o/1', 'a/o/2', 'a/o/3', 'a/p/1', 'b/o/1', 'a/p/2', 'b/o/2', 'c/o/1'])
    statements.begin(name);
  await turn();
  while (statements.running.size > 0) await statements.end();
  expect(statements.order).toEqual(['a/o/1', 'b/o/1', 'c/o/1', 'a/p/1', 'b/o/2', 'a/o/2', 'a/p/2', 'a/o/3']);
});

test('a statement that others of its operation wait for goes first', async () => {
  const statements = new Statements(2);
  statements.begin('a/o/1');
  statements.begin('b/o/1');
  await turn();
  statements.begin('c/o/1');
  statements.begin('a/o/2', { isNested: true });
  await turn();
  await statements.end('b/o/1');
  expect([...statements.running.keys()]).toEqual(['a/o/1', 'a/o/2']);
  await statements.end('a/o/2');
  expect([...statements.running.keys()]).toEqual(['a/o/1', 'c/o/1']);
});

test('what is aborted waits no longer, and what runs is not touched', async () => {
  const statements = new Statements(1);
  const controller = new AbortController();
  statements.begin('a/o/1', { signal: controller.signal });
  statements.begin('a/o/2', { signal: controller.signal });
  statements.begin('b/o/1');
  await turn();
  controller.abort('gone');
  await turn();
  expect(statements.refused).toEqual(['a/o/2: gone']);
  statements.begin('a/o/3', { signal: controller.signal });
  await statements.end();
  expect(statements.order).toEqual(['a/o/1', 'b/o/1']);
  expect(statements.refused).toEqual(['a/o/2: gone', 'a/o/3: gone']);
});

test('who never gets a connection is told so, and who waits for statements of its own is not', async () => {
  const statements = new Statements(2, { maxWaitMillis: 50, maxTotalWaitMillis: 100_000 });
  statements.begin('a/o/1');
  statements.begin('a/o/2');
  statements.begin('a/p/1');
  await expect.poll(() => statements.refused).toEqual(['a/p/1: OVERLOADED']);
  expect([...statements.running.keys()]).toEqual(['a/o/1']);
  await statements.end();
  expect(statements.order).toEqual(['a/o/1', 'a/o/2']);
});

test('no statement waits for longer than the longest one may run', async () => {
  const statements = new Statements(1, { maxWaitMillis: 20, maxTotalWaitMillis: 60 });
  statements.begin('a/o/1');
  statements.begin('a/o/2');
  await expect.poll(() => statements.refused).toEqual(['a/o/2: OVERLOADED']);
});

test('those that wait are counted by role', async () => {
  const statements = new Statements(1);
  for (const name of ['a/o/1', 'a/o/2', 'b/o/1', 'a/p/1']) statements.begin(name);
  await turn();
  expect(Object.fromEntries(statements.queue.waitingByRole())).toEqual({ A: 2, B: 1 });
  while (statements.running.size > 0) await statements.end();
  expect(Object.fromEntries(statements.queue.waitingByRole())).toEqual({});
});

test('whatever comes, goes and is aborted: never too many run, nobody is forgotten, and nothing is idle in vain', async () => {
  const act = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        begin: fc.constantFrom('a/o', 'a/p', 'b/o', 'c/o'),
        isNested: fc.constantFrom(false, false, false, true),
      }),
    },
    { weight: 4, arbitrary: fc.record({ end: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ abort: fc.nat(20) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(act, { maxLength: 60 }), async (size, acts) => {
      const statements = new Statements(size);
      const controllers: AbortController[] = [];
      for (const each of acts) {
        if ('begin' in each) {
          const controller = new AbortController();
          controllers.push(controller);
          statements.begin(`${each.begin}/${controllers.length}`, {
            signal: controller.signal,
            isNested: each.isNested,
          });
        } else if ('abort' in each)
          controllers[each.abort % Math.max(1, controllers.length)]?.abort('aborted');
        else if (statements.running.size > 0)
          await statements.end([...statements.running.keys()][each.end % statements.running.size]!);
        await turn();
        expect(statements.running.size).toBeLessThanOrEqual(size);
        const free = size - statements.running.size;
        for (const [role, waiting] of statements.queue.waitingByRole()) {
          if (waiting > 0) expect(statements.runningOf(role.toLowerCase())).toBeGreaterThanOrEqual(free);
        }
      }
      while (statements.running.size > 0) await statements.end();
      expect(statements.order.length + statements.refused.length).toBe(controllers.length);
      expect(statements.queue.waitingByRole().size).toBe(0);
    }),
  );
});

describe('heavy statements', () => {
  const heavy = { isHeavy: true };

  test('of a principal that is alone run at once', async () => {
    const statements = new Statements(10);
    for (let number = 1; number <= 9; number++) statements.begin(`a/o/${number}`, heavy);
    await turn();
    expect(statements.running.size).toBe(5);
  });

  test('run one after another when others are there, and keep nothing else of theirs waiting', async () => {
    const statements = new Statements(10);
    statements.begin('b/o/1');
    for (let number = 1; number <= 3; number++) statements.begin(`a/o/${number}`, heavy);
    statements.begin('a/p/light');
    for (let number = 1; number <= 3; number++) statements.begin(`c/o/${number}`, heavy);
    await turn();
    expect([...statements.running.keys()]).toEqual(['b/o/1', 'a/o/1', 'a/p/light', 'c/o/1']);
    await statements.end('a/p/light');
    expect(statements.runningOf('a')).toBe(1);
    await statements.end('a/o/1');
    expect([...statements.running.keys()]).toEqual(['b/o/1', 'c/o/1', 'a/o/2']);
    for (const name of ['c/o/1', 'c/o/2', 'a/o/2', 'a/o/3', 'c/o/3', 'b/o/1']) await statements.end(name);
    expect(statements.order).toHaveLength(8);
  });

  test('are not refused for waiting behind one of their own principal', async () => {
    const statements = new Statements(10, { maxWaitMillis: 20, maxTotalWaitMillis: 60_000 });
    statements.begin('b/o/1');
    statements.begin('a/o/1', heavy);
    statements.begin('a/p/1', heavy);
    await delay(100);
    expect(statements.refused).toEqual([]);
    await statements.end('a/o/1');
    expect(statements.runningOf('a')).toBe(1);
  });
});
