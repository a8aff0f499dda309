import { type GatewayError, ReplicaTooStaleError } from 'cdr-gateway-client';
import type { Freshness } from '../asking/execute.ts';

/** As of when a message is. */
interface MessageAge {
  readonly asOf: string | null;
  readonly stalenessSeconds: number | null;
}

/** How old the list is that was told until then. */
export function freshnessOf({ asOf, stalenessSeconds }: MessageAge, sentAt: number): Freshness {
  return { replica: { asOf, stalenessSeconds }, sentAt };
}

/** The reader has said how old calls may be, and what is told is older. Null where it is not. */
export function tooOld({ stalenessSeconds }: MessageAge, maxStaleness: number | null): GatewayError | null {
  if (maxStaleness === null || (stalenessSeconds !== null && stalenessSeconds <= maxStaleness)) return null;
  const details = { stalenessSeconds };
  return new ReplicaTooStaleError('What is told is older.', {
    code: 'REPLICA_TOO_STALE',
    retryable: true,
    details,
  });
}
