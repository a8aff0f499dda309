/** The codings that we write, best first: measured on calls as JSON, zstd is both smallest and quickest. */
const codings = ['zstd', 'br', 'gzip'] as const;
export type Coding = (typeof codings)[number];

export interface AcceptedCodings {
  /** The client's first choice first; of equal ones, ours. None where it wants the bytes as they are. */
  readonly codings: readonly Coding[];
  /** Whether the bytes may be sent as they are. */
  readonly identity: boolean;
}

const nothing: AcceptedCodings = { codings: [], identity: true };

/** Clients send the same few headers over and over. */
const known = new Map<string, AcceptedCodings>();
const MAX_KNOWN = 64;
const MAX_KNOWN_CHARACTERS = 256;

/** What `Accept-Encoding` allows. A client that sends none gets its bytes as they are. */
export function parseAcceptEncoding(header: string | undefined): AcceptedCodings {
  if (!header) return nothing;
  const found = known.get(header);
  if (found) return found;
  const accepted = parse(header);
  if (header.length > MAX_KNOWN_CHARACTERS) return accepted;
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(header, accepted);
  return accepted;
}

function parse(header: string): AcceptedCodings {
  const qualities = new Map(header.split(',').map(parseItem));
  const qualityOf = (name: string) => qualities.get(name) ?? qualities.get('*');
  const identity = qualityOf('identity');
  const accepted = codings
    .map((coding) => ({ coding, quality: qualityOf(coding) ?? 0 }))
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality);
  // Only a client that names "identity" ranks it; any other leaves the choice to us.
  const best = accepted[0]?.quality ?? 0;
  const wantsPlain = (qualities.get('identity') ?? 0) > best;
  return {
    codings: wantsPlain ? [] : accepted.map(({ coding }) => coding),
    identity: identity === undefined || identity > 0,
  };
}

/** A weight that is none counts as a refusal: what the client cannot say well it may not be able to decode. */
function parseItem(item: string): readonly [name: string, quality: number] {
  const [name = '', ...parameters] = item.split(';').map((text) => text.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  if (weight === undefined) return [name, 1];
  return [name, /^(?:0(?:\.\d*)?|1(?:\.0*)?)$/.test(weight) ? Number(weight) : 0];
}
