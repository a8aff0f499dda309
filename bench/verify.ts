import { callsSql, findDifference, toCall, type Values } from './calls.ts';
import type { WireRequest } from './client/jobs.ts';
import type { Database } from './database.ts';
import { fetchWire } from './wire.ts';

/** A side answered something else than PostgreSQL: its time is worth nothing. */
export class WrongAnswerError extends Error {}

interface ListBody {
  readonly errors?: unknown;
  readonly data?: { readonly cdrs: readonly Values[] | { readonly nodes: readonly Values[] } };
}

/** Reads the list once, parses it, and compares every value with PostgreSQL's. Throws WrongAnswerError. */
export async function verifyList(
  name: string,
  request: WireRequest,
  list: { readonly database: Database; readonly first: number; readonly accountId?: string | undefined },
  precision: 'micros' | 'millis' = 'micros',
): Promise<void> {
  const { database, first, accountId } = list;
  const response = await fetchWire(request);
  const { data, errors } = (await response.json()) as ListBody;
  if (errors !== undefined || !data) throw new WrongAnswerError(`${name} answered ${JSON.stringify(errors)}`);
  const calls = 'nodes' in data.cdrs ? data.cdrs.nodes : data.cdrs;
  const expected = await database.query(callsSql(first, accountId));
  if (calls.length !== expected.length) {
    throw new WrongAnswerError(`${name} answered ${calls.length} calls instead of ${expected.length}.`);
  }
  for (const [index, row] of expected.entries()) {
    const call = toCall(row);
    const field = findDifference(call, calls[index]!, precision);
    if (field !== undefined) {
      throw new WrongAnswerError(
        `${name}: ${field} of call ${call.id} is ${calls[index]![field]}, not ${call[field]}.`,
      );
    }
  }
}

/**
 * Reads an answer too long to parse, and counts how often `mark` comes. Throws WrongAnswerError with the end of the
 * answer, where a gateway says what went wrong.
 */
export async function verifyCount(
  name: string,
  request: WireRequest,
  { mark, expected }: { readonly mark: string; readonly expected: number },
): Promise<void> {
  const response = await fetchWire(request);
  if (!response.ok)
    throw new WrongAnswerError(`${name} answered ${response.status}: ${await response.text()}`);
  const { counted, end } = await countIn(response, Buffer.from(mark));
  if (counted === expected) return;
  throw new WrongAnswerError(`${name} answered ${counted} calls instead of ${expected}, and ends: ${end}`);
}

const END_BYTES = 400;

/** How often the mark comes in the body, also across the borders of its pieces; and how the body ends. */
async function countIn(response: Response, mark: Buffer): Promise<{ counted: number; end: string }> {
  let counted = 0;
  let before = Buffer.alloc(0);
  let end = Buffer.alloc(0);
  for await (const piece of response.body!) {
    const text = Buffer.concat([before, piece]);
    let from = 0;
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, from)) {
      counted++;
      from = at + mark.length;
    }
    before = text.subarray(Math.max(from, text.length - mark.length + 1));
    end = Buffer.concat([end, piece.subarray(-END_BYTES)]).subarray(-END_BYTES);
  }
  return { counted, end: end.toString() };
}
