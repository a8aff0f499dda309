import { randomUUID } from 'node:crypto';

/** As programs make them, of random digits: a UUID, nginx's 32 hexadecimal digits, a ULID. */
const GENERATED = /^(?:[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|[\da-f]{32}|[\dA-HJKMNP-TV-Z]{26})$/i;
/** As people choose them: shorter than a token should be, and without a telephone number. */
const CHOSEN = /^(?!.*\d(?:[._:-]?\d){5})[\w.:-]{1,31}$/;

/**
 * The caller's X-Request-Id, which the log and the answer then show; one of ours where it has none, or where it could be
 * a number or a token that has nothing to do there. docker/nginx has the same rule.
 */
export function requestIdOf({ headers }: Request): string {
  const given = headers.get('x-request-id');
  if (!given) return randomUUID();
  const isSane = GENERATED.test(given) || CHOSEN.test(given);
  return isSane && !headers.get('authorization')?.includes(given) ? given : randomUUID();
}
