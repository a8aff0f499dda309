import { BadRequestError } from '../errors.ts';
import type { Positions } from '../replicas/positions.ts';
import type { Token } from '../replicas/token.ts';

/** How fresh a request wants its answer: the headers X-Max-Staleness and X-Read-After. */
export interface Freshness {
  readonly maxStalenessSeconds: number | undefined;
  readonly readAfter: Token | undefined;
}

/** Throws BadRequestError or InvalidTokenError. `ceiling` is what the gateway itself allows at most. */
export function parseFreshness(
  headers: Headers,
  ceiling: number | undefined,
  positions: Pick<Positions, 'decode'>,
): Freshness {
  const wanted = parseMaxStaleness(headers.get('x-max-staleness'));
  const token = headers.get('x-read-after')?.trim();
  return {
    maxStalenessSeconds: wanted === undefined ? ceiling : Math.min(wanted, ceiling ?? wanted),
    readAfter: token ? positions.decode(token) : undefined,
  };
}

function parseMaxStaleness(text: string | null): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return undefined;
  if (/^\d{1,9}(\.\d{1,6})?$/.test(trimmed)) return Number(trimmed);
  throw new BadRequestError('X-Max-Staleness is a number of seconds, such as 5 or 0.5.');
}
