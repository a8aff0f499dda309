import type { TestGateway } from '../support/gateway.ts';
import type { RandomOperation } from './random-operation.ts';

export interface Answer {
  /** Status, headers and body, without positions and times. */
  readonly comparable: string;
  readonly cursors: readonly string[];
  readonly status: number;
}

/** Of this request alone, or of the moment. */
const volatileHeaders = new Set([
  ...['x-request-id', 'content-length', 'date', 'etag', 'last-modified'],
  ...['x-data-as-of', 'x-read-token', 'x-staleness-seconds'],
]);
/** Positions in the WAL and times differ between any two requests. */
const VOLATILE = /"(token|asOf|sampledAt|stalenessSeconds|lagSeconds|receivedLsn)":("[^"]*"|[\d.e+-]+|null)/g;
const CURSOR = /"(cursor|startCursor|endCursor)":"([^"]*)"/g;
/** Of a part of multipart, in which positions and times are longer or shorter. */
const PART_LENGTH = /^Content-Length: \d+/gm;
/** As long as a cursor, wherever it stands: in CSV it has no name. */
const MAYBE_CURSOR = /[\w-]{60,200}/g;
const DIGEST = [1, 8] as const;
const KEY_BYTES = 16;

/** The list and the place in it; not the position of the standby that it was read from. */
function withoutPosition(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  return `cursor ${bytes.toString('hex', ...DIGEST)} ${bytes.toString('hex', bytes.length - KEY_BYTES)}`;
}

export async function answerOf(
  gateway: TestGateway,
  token: string,
  { path, accept, body }: RandomOperation,
): Promise<Answer> {
  const response = await gateway.fetch(
    new gateway.Request(`http://gateway${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, accept, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  const { status } = response;
  const headers = [...response.headers].filter(([name]) => !volatileHeaders.has(name)).toSorted();
  const stable = text
    .replaceAll(VOLATILE, '"$1":"…"')
    .replaceAll(PART_LENGTH, 'Content-Length: …')
    .replaceAll(MAYBE_CURSOR, withoutPosition);
  return {
    comparable: `${status} ${headers.map((header) => header.join(': ')).join('; ')}\n${stable}`,
    cursors: [...text.matchAll(CURSOR)].map(([, , cursor]) => cursor!),
    status,
  };
}
