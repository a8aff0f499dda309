import { gunzipSync } from 'node:zlib';

/** Below it, and below a hash of all of them, lie the files that GraphiQL's page loads. */
export const ASSETS_PATH = '/graphql/assets/';

export type Encoding = 'gzip' | 'br';

/** What the building thread sends: the page first, then each file as gzip, then each as brotli. */
export type BuildMessage =
  | {
      readonly kind: 'page';
      readonly html: string;
      readonly etag: string;
      readonly hash: string;
      /** Names of the files, and their media types. */
      readonly types: readonly (readonly [name: string, type: string])[];
    }
  | {
      readonly kind: 'body';
      readonly name: string;
      readonly encoding: Encoding;
      readonly bytes: Uint8Array;
    };

/** A file in the encodings that are ready; gzip comes first, and to wait for it is enough. */
export interface Asset {
  readonly type: string;
  readonly gzip: Promise<Uint8Array>;
  br: Uint8Array | undefined;
}

/** The file's bytes for a client that sends this Accept-Encoding. */
export async function encode(
  { gzip, br }: Asset,
  accepted: string | null,
): Promise<{ encoding?: Encoding; bytes: Uint8Array }> {
  const accepts = (encoding: Encoding) => acceptsEncoding(accepted ?? '', encoding);
  if (br && accepts('br')) return { encoding: 'br', bytes: br };
  const bytes = await gzip;
  return accepts('gzip') ? { encoding: 'gzip', bytes } : { bytes: gunzipSync(bytes) };
}

function acceptsEncoding(accepted: string, encoding: Encoding): boolean {
  return accepted.split(',').some((item) => {
    const [name, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
