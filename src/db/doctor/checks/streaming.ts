import { checkServers, present } from '../check.ts';
import { alterSystem, type Finding } from '../finding.ts';
import type { Server } from '../server.ts';

const MAX_RECEIVER_TIMEOUT_SECONDS = 10;

/** Whether WAL comes to a standby, and how soon it would be noticed that none does. */
export const streamingCheck = checkServers(
  'streaming',
  ({ standbys }) => standbys,
  (server) => present([receiver(server), receiverTimeout(server)]),
);

function receiver({ place, facts }: Server): Finding | undefined {
  if (facts.receiver !== null) return undefined;
  return {
    code: 'NOT_STREAMING',
    severity: 'warning',
    server: place,
    message: 'Nothing streams to this standby now: it answers, and its answers grow old.',
  };
}

/** The receiver pings an idle link after half of this, so it also limits how well the age is known. */
function receiverTimeout(server: Server): Finding | undefined {
  const seconds = server.seconds('wal_receiver_timeout')!;
  if (seconds > 0 && seconds <= MAX_RECEIVER_TIMEOUT_SECONDS) return undefined;
  return {
    code: 'RECEIVER_TIMEOUT',
    severity: 'warning',
    server: server.place,
    message:
      seconds === 0
        ? 'wal_receiver_timeout is 0, so a cut connection is never noticed.'
        : `wal_receiver_timeout is ${seconds} s, so a cut connection goes unnoticed as long.`,
    remedy: { on: 'standby', run: alterSystem('wal_receiver_timeout', '10s') },
  };
}
