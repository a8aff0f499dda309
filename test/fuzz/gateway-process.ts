import { usedMemory } from '../../src/db/wire/used-memory.ts';
import { type Gateway, startGateway } from '../../src/serve.ts';

/**
 * The process that gateways run in, one after the other, so that its end is seen, and so that nothing of the fuzzer takes
 * the event loop's time. It is told by its parent what to do.
 */

export type ToGateway =
  | { readonly id: number; readonly act: 'start'; readonly environment: Readonly<Record<string, string>> }
  | { readonly id: number; readonly act: 'stop' | 'measure' };

export type FromGateway =
  | { readonly id: number; readonly url?: string; readonly heldMillis?: number }
  | { readonly id: number; readonly error: string };

const TICK_MS = 5;

// What is read again after it was given back can be told by it.
usedMemory.overwrite = (bytes) => bytes.fill('POISON');

let gateway: Gateway | undefined;
const loop = watchLoop();

async function act(message: ToGateway): Promise<FromGateway> {
  const { id } = message;
  if (message.act === 'start') {
    gateway = await startGateway(message.environment, { catalogueIntervalSeconds: 0.2 });
    loop.reset();
    return { id, url: gateway.url };
  }
  if (message.act === 'measure') return { id, heldMillis: loop.heldMillis() };
  await gateway?.close();
  gateway = undefined;
  return { id };
}

process.on('message', (message: ToGateway) => {
  act(message).then(
    (answer) => process.send!(answer),
    (error: unknown) => process.send!({ id: message.id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());

/**
 * How long other requests had to wait for the event loop at most. Only the processor time that the loop's own thread took
 * between two turns counts: on a busy machine it waits for others, which is nobody's fault here.
 */
function watchLoop() {
  let longest = 0;
  let before = taken();
  setInterval(() => {
    const now = taken();
    longest = Math.max(longest, Math.min(now.wall - before.wall, now.cpu - before.cpu));
    before = now;
  }, TICK_MS);
  return {
    reset() {
      longest = 0;
      before = taken();
    },
    heldMillis: () => longest,
  };
}

function taken() {
  const { user, system } = process.threadCpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}
