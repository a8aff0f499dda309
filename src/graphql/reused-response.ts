import { hash } from 'node:crypto';
import type { FetchAPI } from 'graphql-yoga';
import type { Principal } from '../access/principals.ts';
import type { Scope } from '../db/scope.ts';
import type { ReplicaInfo, ReplicaSession } from '../replicas/session.ts';
import { recycleBlock } from '../streaming/byte-writer.ts';
import type { JsonType } from './accept.ts';
import type { RequestConditions } from './request-conditions.ts';
import { entityTagOf, MAX_BODY_BYTES, type ResponseStore, type StoredResponse } from './response-store.ts';
import type { ReusedAnswer, SharedExecution } from './reuse.ts';

/** A client may keep it for itself, and must look whether it still holds; nobody between may keep it. */
const CACHE_CONTROL = 'private, no-cache';
/** The same URL is another answer for another principal, and as another media type. */
const VARY = 'Authorization, Accept, Accept-Encoding';

/** Headers of the first answer that are told with it again. */
const keptHeaders = ['content-type', 'x-replica', 'x-read-token'] as const;

/** What an answer depends on beside the database. */
export interface ReuseKey {
  /** Of the code and of its schema. */
  readonly build: string;
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly principal: Pick<Principal, 'role' | 'scope' | 'maxPage'>;
  readonly mediaType: JsonType;
}

export function digestOfKey({ build, document, operationName, variables, principal, mediaType }: ReuseKey) {
  const { role, scope, maxPage } = principal;
  const parts = [
    build,
    document,
    operationName,
    JSON.stringify(variables),
    role,
    textOf(scope),
    maxPage,
    mediaType,
  ];
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

/** A scope may have thousands of ids, and is the same for all requests of a principal. */
const scopeTexts = new WeakMap<Scope, string>();

function textOf(scope: Scope): string {
  const known = scopeTexts.get(scope);
  if (known !== undefined) return known;
  const text = JSON.stringify(scope);
  scopeTexts.set(scope, text);
  return text;
}

/** The answer as it was sent before, or that it has not changed. */
export function respondReused(
  { response, entityTag, asOf }: ReusedAnswer,
  { Response }: Pick<FetchAPI, 'Response'>,
): Response {
  const headers = headersOf(entityTag, asOf);
  if (!response) return new Response(null, { status: 304, headers });
  return new Response(response.body as never, {
    headers: { ...headers, ...response.headers, 'content-length': String(response.body.length) },
  });
}

function headersOf(entityTag: string, asOf: string | null): Record<string, string> {
  return {
    etag: `W/"${entityTag}"`,
    'cache-control': CACHE_CONTROL,
    vary: VARY,
    ...(asOf !== null && { 'x-data-as-of': asOf }),
  };
}

export interface ExecutedOptions {
  readonly execution: SharedExecution;
  readonly conditions: RequestConditions;
  /** What it was read in. */
  readonly session: Pick<ReplicaSession, 'hasReadSince' | 'readFrom'>;
  /** Nothing of it failed. */
  readonly isWhole: boolean;
  /** It is sent as it is read. */
  readonly isStreamed: boolean;
}

/** Stores the answer of an execution where that is sound, and says by what tag the client may look again. */
export async function respondExecuted(
  store: ResponseStore,
  response: Response,
  options: ExecutedOptions,
  { Response }: Pick<FetchAPI, 'Response'>,
): Promise<Response> {
  const { execution, conditions, session, isWhole, isStreamed } = options;
  const info = session.readFrom();
  if (
    isStreamed ||
    !isWhole ||
    !info ||
    response.status !== 200 ||
    !session.hasReadSince(execution.standing)
  ) {
    execution.flight?.settle(isStreamed ? 'UNSUITABLE' : 'FAILED');
    return response;
  }
  const body = await takeBody(response);
  const stored = describe(store, response, body, info, execution);
  if (body.length <= MAX_BODY_BYTES) store.add(execution.key, stored);
  execution.flight?.settle(body.length <= MAX_BODY_BYTES ? stored : 'UNSUITABLE');
  const { entityTag } = stored;
  const isKnown = conditions.entityTags.includes(entityTag);
  const { asOf } = info;
  return respondReused(
    { kind: 'stored', entityTag, asOf, response: isKnown ? undefined : stored },
    { Response },
  );
}

/** A copy: what streams is in a block, which is written into again. */
async function takeBody(response: Response): Promise<Buffer> {
  const bytes: ArrayBuffer | Buffer = await response.arrayBuffer();
  if (!Buffer.isBuffer(bytes)) return Buffer.from(new Uint8Array(bytes));
  const body = Buffer.from(bytes);
  recycleBlock(bytes);
  return body;
}

function describe(
  store: ResponseStore,
  { headers }: Response,
  body: Buffer,
  { asOf, stalenessSeconds }: ReplicaInfo,
  { key, standing, startedAt }: SharedExecution,
): StoredResponse {
  const before = store.find(key);
  const data = dataOf(body) ?? body;
  const isSame = before !== undefined && dataOf(before.body)?.equals(data) === true;
  const tagOfPlace = entityTagOf(key, standing);
  // Of what was replayed since the standby was seen, one that is read at the same place shows more than the one before.
  const newTag =
    before?.entityTag === tagOfPlace ? entityTagOf(`${key} ${hash('sha256', data)}`, standing) : tagOfPlace;
  return {
    // What has stayed the same keeps its tag, so that clients need not take it again.
    entityTag: isSame ? before.entityTag : newTag,
    body,
    headers: Object.fromEntries(
      keptHeaders.flatMap((name) => [[name, headers.get(name)]]).filter(([, value]) => value),
    ),
    standing,
    validity: { asOf, stalenessSeconds, at: startedAt },
  };
}

/** No text within JSON has these bytes: its quotes are escaped. */
const EXTENSIONS = Buffer.from(',"extensions":');

/** The answer without its extensions, which are last and differ each time. */
function dataOf(body: Buffer): Buffer | undefined {
  const end = body.lastIndexOf(EXTENSIONS);
  return end < 0 ? undefined : body.subarray(0, end);
}
