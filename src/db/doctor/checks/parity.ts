import { type Check, type Fleet, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

/** Lower than on the primary, a standby does not start, or stops replaying. */
export const NOT_LOWER = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
] as const;

/** Where they differ, a promotion changes how the cluster behaves. */
const alike = ['wal_level', 'password_encryption', 'max_replication_slots', 'ssl', 'TimeZone', 'block_size'];

/** A standby with a small part of the primary's memory is slower than anybody expects of it after a promotion. */
const MIN_BUFFERS_SHARE = 0.25;

/** How the settings of each standby go with those of the primary. */
export const parityCheck: Check = {
  topic: 'parity',
  async examine({ primary, standbys }: Fleet) {
    if (!primary) return { findings: [] };
    return {
      findings: standbys.flatMap((standby) => [
        ...NOT_LOWER.flatMap((name) => present([lower(primary, standby, name)])),
        ...alike.flatMap((name) => present([otherwise(primary, standby, name)])),
        ...present([lessMemory(primary, standby)]),
      ]),
    };
  },
};

function lower(primary: Server, standby: Server, name: string): Finding | undefined {
  const [wanted, value] = [primary.setting(name)!.value, standby.setting(name)!.value];
  if (Number(value) >= Number(wanted)) return undefined;
  return {
    code: 'PARITY_LOWER',
    severity: 'warning',
    server: standby.place,
    message: `${name} is ${value}, and ${wanted} on the primary: replay stops, and the next start fails.`,
    remedy: { on: 'standby', run: `alter system set ${name} = '${wanted}'; (then restart it)` },
  };
}

function otherwise(primary: Server, standby: Server, name: string): Finding | undefined {
  const [wanted, value] = [primary.setting(name)?.value, standby.setting(name)?.value];
  if (wanted === value) return undefined;
  return {
    code: 'PARITY_DIFFERS',
    severity: 'warning',
    server: standby.place,
    message: `${name} is ${value} here and ${wanted} on the primary: whoever is promoted brings the change along.`,
    remedy: { on: 'standby', run: `alter system set ${name} = '${wanted}';` },
  };
}

function lessMemory(primary: Server, standby: Server): Finding | undefined {
  const [wanted, value] = [primary, standby].map((server) => Number(server.setting('shared_buffers')!.value));
  if (value! >= wanted! * MIN_BUFFERS_SHARE) return undefined;
  return {
    code: 'PARITY_MEMORY',
    severity: 'warning',
    server: standby.place,
    message: `shared_buffers is ${value} pages here and ${wanted} on the primary: it is not ready to take its place.`,
    remedy: {
      on: 'standby',
      run: "alter system set shared_buffers = '…'; (a quarter of its memory; then restart it)",
    },
  };
}
