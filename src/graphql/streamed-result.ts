import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ExecutionResult } from 'graphql';
import { type Plugin, processRegularResult } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { compress, negotiateEncoding } from '../http/compression.ts';
import { type FileFormat, fileTypes } from '../streaming/file-response.ts';

/** A result whose JSON is already there, or coming: Yoga's processor asks `stringify` for the body. */
interface StreamedResult extends ExecutionResult {
  stringify(): unknown;
}

/** A result that is a file instead of JSON. */
interface FileResult extends ExecutionResult {
  readonly format: FileFormat;
  /** `Response` is Yoga's own, which takes Node's streams. */
  response(fetchAPI: { Response: typeof Response }): Response;
}

/** Answers with the body; the standby is given back when it has ended. */
export function createStreamedResult(context: Context, body: Buffer | Readable): StreamedResult {
  const sent = send(context, body);
  return { extensions: { http: { headers: sent.headers } }, stringify: () => sent.body };
}

/** Answers with a file named after the list and the moment: `cdrs-20260105T090000Z.csv`. */
export function createFileResult(
  context: Context,
  format: FileFormat,
  name: string,
  body: Buffer | Readable,
): FileResult {
  const sent = send(context, body);
  const moment = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers = {
    ...sent.headers,
    'content-type': `${fileTypes[format]}; charset=utf-8${format === 'csv' ? '; header=present' : ''}`,
    'content-disposition': `attachment; filename="${name}-${moment}.${format}"`,
  };
  return { format, response: ({ Response }) => new Response(sent.body as never, { headers }) };
}

/** Answers with files where files are asked for. Comes before whatever refuses media types that it does not know. */
export function useFiles(): Plugin {
  return {
    onResultProcess({ request, result, setResultProcessor }) {
      if (isFileResult(result)) {
        setResultProcessor((_, fetchAPI) => result.response(fetchAPI), fileTypes[result.format]);
      } else if (fileFormatOf(request.headers.get('accept')) && !Array.isArray(result)) {
        // Whoever asks for a file and gets errors instead reads them as JSON.
        setResultProcessor(processRegularResult as never, 'application/json');
      }
    },
  };
}

export function isStreamed(result: ExecutionResult): boolean {
  return 'stringify' in result || 'response' in result;
}

function isFileResult(result: unknown): result is FileResult {
  return typeof result === 'object' && result !== null && 'response' in result;
}

/** The file format that the Accept header names before any JSON; undefined for GraphQL's own. */
export function fileFormatOf(accept: string | null): FileFormat | undefined {
  const types = (accept ?? '').split(',').map((part) => part.split(';')[0]!.trim().toLowerCase());
  const formats = Object.keys(fileTypes) as FileFormat[];
  for (const type of types) {
    const format = formats.find((candidate) => fileTypes[candidate] === type);
    if (format) return format;
    if (/json|\*/.test(type)) return undefined;
  }
  return undefined;
}

function send(context: Context, given: Buffer | Readable) {
  const replica = context.session.readFrom();
  if (given instanceof Readable) {
    const ended = finished(given);
    ended.catch(() => {}).finally(() => context.session.end());
    context.note({ finished: ended });
  } else context.session.end();
  const { body, encoding } = compress(given, negotiateEncoding(context.headers.get('accept-encoding')));
  const headers: Record<string, string> = {
    'cache-control': 'no-store',
    vary: 'accept, accept-encoding',
    ...(encoding && { 'content-encoding': encoding }),
    // A proxy that gathers the answer first would undo the stream.
    ...(body instanceof Readable && { 'x-accel-buffering': 'no' }),
    ...(replica && { 'x-replica': replica.name, 'x-read-token': replica.token }),
    ...(replica?.asOf && { 'x-data-as-of': replica.asOf }),
  };
  return { body, headers };
}
