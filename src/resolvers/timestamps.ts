import { rfc3339OfPostgres } from '../db/timestamps.ts';
import { UnreadableValueError } from '../errors.ts';

/** The API's text of PostgreSQL's. Throws for what RFC 3339 cannot say, `infinity` included: the field becomes an error. */
export function timestampOf(text: string | null): string | null {
  if (text === null) return null;
  const instant = rfc3339OfPostgres(text);
  if (instant === undefined) throw new UnreadableValueError();
  return instant;
}
