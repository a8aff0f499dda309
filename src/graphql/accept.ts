import { type FileFormat, fileTypes } from '../streaming/file-response.ts';

/** The form in which a client wants its response, from the Accept header. */
export type Delivery =
  | { readonly kind: 'json'; readonly mediaType: JsonType; readonly acceptsParts: boolean }
  | { readonly kind: 'file'; readonly format: FileFormat }
  /** `multipart/mixed` or `text/event-stream` and nothing else that we write. */
  | { readonly kind: 'parts' };

const jsonTypes = ['application/json', 'application/graphql-response+json'] as const;
export type JsonType = (typeof jsonTypes)[number];

const partTypes = ['multipart/mixed', 'text/event-stream'];

/** How parts say where they belong: the draft that clients ask for by its date, and the specification that followed. */
export type PartsFormat = 'current' | 'older';
/** Apollo Client and its router ask for parts so: `multipart/mixed;deferSpec=20220824`. */
export const OLDER_PARTS = 'deferSpec=20220824';
const fileFormats = Object.keys(fileTypes) as readonly FileFormat[];

interface MediaRange {
  readonly type: string;
  readonly quality: number;
  /** Of parts, when they are asked for in a format that we write. */
  readonly parts: PartsFormat | undefined;
}

const anything: Delivery = { kind: 'json', mediaType: 'application/json', acceptsParts: false };

/** Undefined when nothing that we write is accepted. Of equal preference, what is named first is taken. */
export function negotiateDelivery(accept: string | null): Delivery | undefined {
  if (accept === null || accept === '*/*' || accept === '') return anything;
  const ranges = rangesOf(accept);
  const acceptsParts = ranges.some(({ parts }) => parts !== undefined);
  for (const { type } of ranges) {
    const format = fileFormats.find((candidate) => fileTypes[candidate] === type);
    if (format) return { kind: 'file', format };
    const mediaType = jsonTypes.find((candidate) => isMatch(type, candidate));
    if (mediaType) return { kind: 'json', mediaType, acceptsParts };
  }
  return acceptsParts ? { kind: 'parts' } : undefined;
}

/** The format of the parts that a client likes best, among those it accepts. */
export function partsFormatOf(accept: string | null): PartsFormat {
  return rangesOf(accept ?? '').find(({ parts }) => parts !== undefined)?.parts ?? 'current';
}

/** Parts in a format that is named and not known are not accepted: an answer in another one would not be read. */
function formatOfParts(type: string, parameters: readonly string[]): PartsFormat | undefined {
  if (!partTypes.includes(type)) return undefined;
  const named = parameters
    .map((text) => text.replaceAll(/[\s"]/g, ''))
    .find((text) => text.startsWith('deferspec='));
  if (named === undefined) return 'current';
  return named === OLDER_PARTS.toLowerCase() ? 'older' : undefined;
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
  const ranges = accept
    .toLowerCase()
    .split(',')
    .flatMap((part): MediaRange[] => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim());
      const parameter = (name: string) =>
        parameters.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
      const quality = Number(parameter('q') ?? 1);
      const isUtf8 = ['utf-8', undefined].includes(parameter('charset')?.replaceAll('"', ''));
      const parts = formatOfParts(type, parameters);
      return quality > 0 && isUtf8 ? [{ type, quality, parts }] : [];
    });
  return ranges.sort((one, other) => other.quality - one.quality);
}

function isMatch(range: string, type: JsonType): boolean {
  return range === type || range === '*/*' || range === 'application/*';
}
