import { type FileFormat, fileTypes } from '../streaming/file-format.ts';

/** The form in which a client wants its response, from the Accept header. */
export type Delivery =
  | { readonly kind: 'json'; readonly mediaType: JsonType; readonly acceptsParts: boolean }
  | { readonly kind: 'file'; readonly format: FileFormat }
  /** `multipart/mixed` or `text/event-stream` and nothing else that we write. */
  | { readonly kind: 'parts' };

const jsonTypes = ['application/json', 'application/graphql-response+json'] as const;
export type JsonType = (typeof jsonTypes)[number];

const EVENTS = 'text/event-stream';
const partTypes = ['multipart/mixed', EVENTS];

/** How parts say where they belong: the draft that clients ask for by its date, and the specification that followed. */
export type PartsFormat = 'current' | 'older';
/** Parameters of `multipart/mixed` by which Apollo Client and its router ask for a format. */
const partsParameters: Readonly<Record<string, PartsFormat>> = {
  'deferSpec=20220824': 'older',
  'incrementalSpec=v0.2': 'current',
};
/** Those that name a format, whichever. */
const NAMES_FORMAT = /^(?:defer|incremental)spec=/;
const fileFormats = Object.keys(fileTypes) as readonly FileFormat[];

interface MediaRange {
  readonly type: string;
  readonly quality: number;
  /** Of a range of types: those that are refused by name. */
  readonly except: readonly string[];
  /** Of parts, when they are asked for in a format that we write. */
  readonly parts: AcceptedParts | undefined;
}

interface AcceptedParts {
  readonly format: PartsFormat;
  /** The parameter by which it was asked for; undefined where none is named. */
  readonly parameter: string | undefined;
}

const anything: Delivery = { kind: 'json', mediaType: 'application/json', acceptsParts: false };

/** Undefined when nothing that we write is accepted. Of equal preference, what is named first is taken. */
export function negotiateDelivery(accept: string | null): Delivery | undefined {
  if (accept === null || accept === '*/*' || accept === '') return anything;
  const ranges = rangesOf(accept);
  const acceptsParts = ranges.some(({ parts }) => parts !== undefined);
  for (const range of ranges) {
    const format = fileFormats.find((candidate) => fileTypes[candidate] === range.type);
    if (format) return { kind: 'file', format };
    const mediaType = jsonTypes.find((candidate) => isMatch(range, candidate));
    if (mediaType) return { kind: 'json', mediaType, acceptsParts };
  }
  return acceptsParts ? { kind: 'parts' } : undefined;
}

/** Whether a client takes events, in which subscriptions are answered. */
export function acceptsEvents(accept: string | null): boolean {
  return rangesOf(accept ?? '').some(({ type }) => type === EVENTS);
}

/** Whether the request was made of a message that came over a WebSocket. A request of HTTP with this header opens one. */
export function isByWebSocket(headers: Headers): boolean {
  return headers.get('upgrade') === 'websocket';
}

/** The parts that a client likes best, among those it accepts. */
export function acceptedParts(accept: string | null): AcceptedParts {
  return rangesOf(accept ?? '').find(({ parts }) => parts !== undefined)?.parts ?? plainParts;
}

const plainParts: AcceptedParts = { format: 'current', parameter: undefined };

/** Parts in a format that is named and not known are not accepted: an answer in another one would not be read. */
function partsOf(type: string, parameters: readonly string[]): AcceptedParts | undefined {
  if (!partTypes.includes(type)) return undefined;
  const named = parameters
    .map((text) => text.replaceAll(/[\s"]/g, ''))
    .find((text) => NAMES_FORMAT.test(text));
  if (named === undefined) return plainParts;
  const parameter = Object.keys(partsParameters).find((known) => known.toLowerCase() === named);
  return parameter === undefined ? undefined : { format: partsParameters[parameter]!, parameter };
}

/** Clients send the same few headers over and over. */
const knownRanges = new Map<string, readonly MediaRange[]>();
const MAX_KNOWN = 64;
const MAX_KNOWN_CHARACTERS = 256;

function rangesOf(accept: string): readonly MediaRange[] {
  const known = knownRanges.get(accept);
  if (known) return known;
  const ranges = parseAccept(accept);
  if (accept.length > MAX_KNOWN_CHARACTERS) return ranges;
  if (knownRanges.size >= MAX_KNOWN) knownRanges.clear();
  knownRanges.set(accept, ranges);
  return ranges;
}

/** Best first; those that the client refuses (`q=0`), and encodings other than UTF-8, are left out. */
function parseAccept(accept: string): MediaRange[] {
  const refused: string[] = [];
  const ranges = accept
    .toLowerCase()
    .split(',')
    .flatMap((part): MediaRange[] => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim());
      const parameter = (name: string) =>
        parameters.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
      const quality = Number(parameter('q') ?? 1);
      const isUtf8 = ['utf-8', undefined].includes(parameter('charset')?.replaceAll('"', ''));
      const parts = partsOf(type, parameters);
      if (quality === 0) refused.push(type);
      return quality > 0 && isUtf8 ? [{ type, quality, except: refused, parts }] : [];
    });
  return ranges.sort((one, other) => other.quality - one.quality);
}

function isMatch({ type, except }: MediaRange, candidate: JsonType): boolean {
  if (type === candidate) return true;
  return (type === '*/*' || type === 'application/*') && !except.includes(candidate);
}
