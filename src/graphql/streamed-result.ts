import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ExecutionResult } from 'graphql';
import { type FetchAPI, processRegularResult } from 'graphql-yoga';
import type { RequestFacts } from '../http/request-facts.ts';
import { setTrailers } from '../http/trailers.ts';
import type { ReplicaSession } from '../replicas/session.ts';
import type { EventStream } from '../streaming/event-stream.ts';
import {
  describeGap,
  type FileBody,
  type FileFormat,
  type FileGap,
  fileTypes,
} from '../streaming/file-format.ts';
import type { JsonType } from './accept.ts';

interface SentResult extends ExecutionResult {
  /** Ends what is being sent when it is not to be sent after all. */
  discard(): void;
}

/** A result whose JSON is already there, or coming: Yoga's processor asks `stringify` for the body. */
interface StreamedResult extends SentResult {
  stringify(): unknown;
}

/** A result that is a file instead of JSON. */
interface FileResult extends SentResult {
  /** `Response` is Yoga's own, which takes Node's streams. */
  response(fetchAPI: Pick<FetchAPI, 'Response'>): Response;
}

/** Whose response it is. */
export interface Sending {
  readonly session: ReplicaSession;
  readonly facts: RequestFacts;
}

/** Answers with the body; the standby is given back when it has ended. */
export function createStreamedResult(sending: Sending, body: Buffer | Readable): StreamedResult {
  const sent = send(sending, body);
  const { discard } = sent;
  return { extensions: { http: { headers: sent.headers } }, stringify: () => sent.body, discard };
}

/** Answers with a file named after the list and the moment: `cdrs-20260105T090000Z.csv`. */
export function createFileResult(
  sending: Sending,
  format: FileFormat,
  name: string,
  { content, gap }: FileBody,
): FileResult {
  const sent = send(sending, content);
  const moment = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers = {
    ...sent.headers,
    'content-type': `${fileTypes[format]}; charset=utf-8${format === 'csv' ? '; header=present' : ''}`,
    'content-disposition': `attachment; filename="${name}-${moment}.${format}"`,
  };
  // A body whose end is still to come says behind it whether it is whole; any other says so before.
  if (!(content instanceof Readable)) Object.assign(headers, completeness(gap()));
  return {
    discard: sent.discard,
    response({ Response }) {
      const response = new Response(sent.body as never, { headers });
      if (content instanceof Readable) {
        setTrailers(response, { names: ['X-Complete', 'X-Incomplete'], values: () => completeness(gap()) });
      }
      return response;
    },
  };
}

function completeness(gap: FileGap | undefined): Record<string, string> {
  return gap ? { 'X-Complete': 'false', 'X-Incomplete': describeGap(gap) } : { 'X-Complete': 'true' };
}

/** The response of a result that is there as a whole, or is a stream of its own. */
export function respondWhole(result: ExecutionResult, mediaType: JsonType, fetchAPI: FetchAPI): Response {
  if (isFileResult(result)) return result.response(fetchAPI);
  return processRegularResult(result as never, fetchAPI, mediaType) as Response;
}

/** The response of a subscription. */
export function respondEvents(
  { body, isCompressed }: EventStream,
  { Response }: Pick<FetchAPI, 'Response'>,
): Response {
  return new Response(body as never, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'accept, accept-encoding',
      'x-accel-buffering': 'no',
      ...(isCompressed && { 'content-encoding': 'gzip' }),
    },
  });
}

/** Whether the result is sent as it is read, or was read to its end by the streaming path. */
export function isSent(result: ExecutionResult): result is SentResult {
  return 'discard' in result;
}

function isFileResult(result: ExecutionResult): result is FileResult {
  return 'response' in result;
}

function send({ session, facts }: Sending, body: Buffer | Readable) {
  const replica = session.readFrom();
  if (body instanceof Readable) {
    facts.finished = finished(body).finally(() => session.end());
    facts.finished.catch(() => {});
  } else session.end();
  const headers: Record<string, string> = {
    'cache-control': 'no-store',
    vary: 'accept, accept-encoding',
    // A proxy that gathers the response first would undo the stream.
    ...(body instanceof Readable && { 'x-accel-buffering': 'no' }),
    ...(replica && { 'x-replica': replica.name, 'x-read-token': replica.token }),
    ...(replica?.asOf && { 'x-data-as-of': replica.asOf }),
  };
  const discard = () => {
    if (body instanceof Readable) body.destroy();
  };
  return { body, headers, discard };
}
