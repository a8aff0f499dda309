import { BadRequestError } from '../errors.ts';

/** What a request to GraphQL asks, as GraphQL over HTTP has it. */
export interface Params {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName: string | null;
}

const known = ['query', 'variables', 'operationName', 'extensions'];

/** Whether the body is JSON: media types are case-insensitive. */
export function isJsonPost({ method, headers }: Request): boolean {
  if (method !== 'POST') return false;
  const contentType = headers.get('content-type');
  return (
    contentType === 'application/json' || /^application\/(graphql\+)?json *(;|,|$)/i.test(contentType ?? '')
  );
}

/** Throws BadRequestError. */
export async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequestError('POST body sent invalid JSON.');
  }
}

/** Throws BadRequestError. */
export function checkParams(given: unknown): Params {
  if (Array.isArray(given)) throw new BadRequestError('Batching is not supported.');
  if (!isObject(given)) throw new BadRequestError('The body of a request is a JSON object.');
  const { query, variables, operationName, extensions } = given;
  for (const name of Object.keys(given)) {
    if (given[name] != null && !known.includes(name)) {
      throw new BadRequestError(`Unexpected parameter "${name.slice(0, 60)}" in the request body.`);
    }
  }
  if (query == null) throw new BadRequestError('Must provide query string.');
  if (typeof query !== 'string') throw new BadRequestError('"query" must be a string.');
  if (variables != null && !isObject(variables)) throw new BadRequestError('"variables" must be an object.');
  if (extensions != null && !isObject(extensions))
    throw new BadRequestError('"extensions" must be an object.');
  if (operationName != null && typeof operationName !== 'string') {
    throw new BadRequestError('"operationName" must be a string.');
  }
  return { query, variables: variables ?? {}, operationName: operationName ?? null };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
