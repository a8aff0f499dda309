/** What the headers of a GET allow in place of an answer that was read for it (RFC 9110 §13, RFC 9111 §5.2.1). */
export interface RequestConditions {
  /** Opaque tags of the answers that the client has, without quotes and weakness. */
  readonly entityTags: readonly string[];
  /** An answer that was read so many seconds ago will do. */
  readonly maxAgeSeconds: number;
  /** The client wants it read for this request. */
  readonly isReload: boolean;
}

const none: RequestConditions = { entityTags: [], maxAgeSeconds: 0, isReload: false };

/** More are none of ours: a client has one answer to a request, or two. */
const MAX_TAGS = 16;
/** As long as an hour: beyond it nothing is stored. */
const MAX_AGE_SECONDS = 3600;

/** What cannot be understood is as if it were not there, as HTTP wants it. */
export function parseConditions(headers: Headers): RequestConditions {
  const tags = headers.get('if-none-match');
  const control = headers.get('cache-control');
  if (tags === null && control === null) return none;
  return {
    entityTags: tags === null ? [] : parseTags(tags),
    maxAgeSeconds: control === null ? 0 : parseMaxAge(control),
    // `fetch` adds it by itself to a request that a program has given a tag.
    isReload: tags === null && control !== null && /(?:^|[\s,])no-(?:cache|store)(?:$|[\s,=])/i.test(control),
  };
}

/** Weak comparison: a proxy that compresses makes a strong tag weak. */
function parseTags(text: string): string[] {
  const found = text.matchAll(/(?:^|,)\s*(?:W\/)?"([\x21\x23-\x7e]*)"\s*(?=,|$)/g);
  return [...found].slice(0, MAX_TAGS).map(([, tag]) => tag!);
}

function parseMaxAge(text: string): number {
  const [, seconds] = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,10})"?\s*(?:$|,)/i.exec(text) ?? [];
  return Math.min(Number(seconds ?? 0), MAX_AGE_SECONDS);
}
