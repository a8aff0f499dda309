import { BadRequestError } from '../errors.ts';

/** What a request to GraphQL asks, as GraphQL over HTTP has it. */
export interface Params {
  /** Null: `documentId` alone says which document. */
  readonly query: string | null;
  /** SHA-256 of the document's text, in hexadecimal digits. */
  readonly documentId: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName: string | null;
}

const known = ['query', 'documentId', 'variables', 'operationName', 'extensions'];

/** Whether the body is JSON: media types are case-insensitive. */
export function isJsonPost({ method, headers }: Request): boolean {
  if (method !== 'POST') return false;
  const contentType = headers.get('content-type');
  return (
    contentType === 'application/json' || /^application\/(graphql\+)?json *(;|,|$)/i.test(contentType ?? '')
  );
}

/** Throws BadRequestError. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequestError('POST body sent invalid JSON.');
  }
}

/** What a URL asks, not checked: an empty value is as if it were not there. Throws BadRequestError. */
export function parseSearch(url: string): unknown {
  const start = url.indexOf('?');
  const search = new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
  const given = (name: string) => search.get(name) || undefined;
  try {
    return {
      query: given('query'),
      documentId: given('documentId'),
      operationName: given('operationName'),
      variables: parseGiven(given('variables')),
      extensions: parseGiven(given('extensions')),
    };
  } catch {
    throw new BadRequestError(NOT_JSON);
  }
}

export const NOT_JSON = '"variables" and "extensions" of a URL or a form are JSON texts.';

function parseGiven(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

/** Throws BadRequestError. */
export function checkParams(given: unknown): Params {
  if (Array.isArray(given)) throw new BadRequestError('Batching is not supported.');
  if (!isObject(given)) throw new BadRequestError('The body of a request is a JSON object.');
  const { query, documentId, variables, operationName, extensions } = given;
  for (const name of Object.keys(given)) {
    if (given[name] != null && !known.includes(name)) {
      throw new BadRequestError(`Unexpected parameter "${name.slice(0, 60)}" in the request body.`);
    }
  }
  if (query != null && typeof query !== 'string') throw new BadRequestError('"query" must be a string.');
  if (variables != null && !isObject(variables)) throw new BadRequestError('"variables" must be an object.');
  if (extensions != null && !isObject(extensions))
    throw new BadRequestError('"extensions" must be an object.');
  if (operationName != null && typeof operationName !== 'string') {
    throw new BadRequestError('"operationName" must be a string.');
  }
  const id = readHash(documentId ?? hashInExtensions(extensions));
  if (query == null && id === null) throw new BadRequestError('Must provide query string.');
  return {
    query: query ?? null,
    documentId: id,
    variables: variables ?? {},
    operationName: operationName ?? null,
  };
}

/** As clients of persisted queries send it: `{ persistedQuery: { version: 1, sha256Hash } }`. */
function hashInExtensions(extensions: Record<string, unknown> | null | undefined): unknown {
  const { persistedQuery } = extensions ?? {};
  return isObject(persistedQuery) ? persistedQuery.sha256Hash : undefined;
}

/** Throws BadRequestError. */
function readHash(given: unknown): string | null {
  if (given == null) return null;
  const [, hash] = (typeof given === 'string' && /^(?:sha256:)?([\da-f]{64})$/i.exec(given)) || [];
  if (hash === undefined)
    throw new BadRequestError('"documentId" is "sha256:" and the SHA-256 of the document.');
  return hash.toLowerCase();
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
