import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import type { Check } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

const MAX_OFFSET_SECONDS = 2;

interface Offset {
  readonly server: Server;
  /** The clock there is ahead of ours by something between the two. */
  readonly min: number;
  readonly max: number;
}

/** Whether the clocks agree: what is "the last hour" is decided here, and when a call was is written there. */
export const clockCheck: Check = {
  topic: 'clocks',
  async examine({ servers, now }) {
    const offsets: Offset[] = [];
    for (const server of servers) offsets.push(await measure(server, now));
    return { findings: clockFindings(offsets) };
  },
};

async function measure(server: Server, now: () => number): Promise<Offset> {
  const before = now();
  const [row] = await selectJson<{ clock: number }>(
    server.db,
    sql`select extract(epoch from clock_timestamp())::float8 * 1000 as clock`,
  );
  const after = now();
  return { server, min: (row!.clock - after) / 1000, max: (row!.clock - before) / 1000 };
}

/** Where all differ from us by the same, the clock that is wrong is ours. */
export function clockFindings(offsets: readonly Offset[]): readonly Finding[] {
  const off = offsets.filter(({ min, max }) => min > MAX_OFFSET_SECONDS || max < -MAX_OFFSET_SECONDS);
  if (off.length === 0) return [];
  if (off.length === offsets.length && offsets.length > 1 && agree(offsets)) {
    return [
      {
        code: 'CLOCK_OF_GATEWAY',
        severity: 'warning',
        message: `The clock of this host is ${describe(offsets[0]!)} all servers: ages and time ranges are wrong by that.`,
        remedy: { on: 'gateway', run: 'timedatectl set-ntp true' },
      },
    ];
  }
  return off.map((offset) => ({
    code: 'CLOCK_OF_SERVER',
    severity: 'warning',
    server: offset.server.place,
    message: `Its clock is ${describe({ ...offset, min: -offset.max, max: -offset.min })} that of this host: run timedatectl set-ntp true there.`,
  }));
}

function agree(offsets: readonly Offset[]): boolean {
  const [highest, lowest] = [
    Math.max(...offsets.map(({ min }) => min)),
    Math.min(...offsets.map(({ max }) => max)),
  ];
  return highest - lowest <= MAX_OFFSET_SECONDS;
}

function describe({ min, max }: Pick<Offset, 'min' | 'max'>): string {
  const seconds = (min + max) / 2;
  return `${Math.abs(seconds).toFixed(1)} s ${seconds > 0 ? 'behind' : 'ahead of'}`;
}
