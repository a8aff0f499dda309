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
const fileFormats = Object.keys(fileTypes) as readonly FileFormat[];

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

const anything: Delivery = { kind: 'json', mediaType: 'application/json', acceptsParts: false };

/** Undefined when nothing that we write is accepted. Of equal preference, what is named first is taken. */
export function negotiateDelivery(accept: string | null): Delivery | undefined {
  if (accept === null || accept === '*/*' || accept === '') return anything;
  const ranges = parseAccept(accept);
  const acceptsParts = ranges.some(({ type }) => partTypes.includes(type));
  for (const { type } of ranges) {
    const format = fileFormats.find((candidate) => fileTypes[candidate] === type);
    if (format) return { kind: 'file', format };
    const mediaType = jsonTypes.find((candidate) => isMatch(type, candidate));
    if (mediaType) return { kind: 'json', mediaType, acceptsParts };
  }
  return acceptsParts ? { kind: 'parts' } : undefined;
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
      return quality > 0 && isUtf8 ? [{ type, quality }] : [];
    });
  return ranges.sort((one, other) => other.quality - one.quality);
}

function isMatch(range: string, type: JsonType): boolean {
  return range === type || range === '*/*' || range === 'application/*';
}
