import { Worker } from 'node:worker_threads';
import { errorResponse, HttpError } from '../http/errors.ts';
import { type Route, refuseMethod } from '../http/routes.ts';
import { ASSETS_PATH, type Asset, type BuildMessage, encode } from './assets.ts';

export interface GraphiQL {
  /** Browsers at /graphql, and the files of their page. */
  readonly route: Route;
  /**
   * Makes the page ready before it is requested, half a second of one core in another thread; otherwise the first
   * visitor waits for it.
   */
  prepare(): Promise<void>;
}

/** No file of another origin, no inline script. Monaco puts its styles into the page, and its icons into styles. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Built {
  readonly html: string;
  readonly etag: string;
  readonly hash: string;
  readonly assets: ReadonlyMap<string, Asset>;
}

/** GraphiQL without internet: a small page, and files that a browser keeps for as long as they do not change. */
export function createGraphiQL(): GraphiQL {
  let built: Promise<Built> | undefined;
  const prepared = (): Promise<Built> => {
    built ??= build().catch((error) => {
      built = undefined;
      throw error;
    });
    return built;
  };

  return {
    async route(request, { pathname }) {
      if (pathname === '/graphql' && isBrowser(request)) return showPage(request, await prepared());
      if (!pathname.startsWith(ASSETS_PATH)) return undefined;
      return refuseMethod(request, ['GET', 'HEAD']) ?? showAsset(request, pathname, await prepared());
    },
    async prepare() {
      await prepared();
    },
  };
}

/** Links carry `?query=` and are still opened by browsers; programs do not accept HTML. */
function isBrowser({ method, headers }: Request): boolean {
  return (method === 'GET' || method === 'HEAD') && (headers.get('accept') ?? '').includes('text/html');
}

function showPage(request: Request, { html, etag }: Built): Response {
  const headers = {
    'cache-control': 'no-cache',
    'content-security-policy': contentSecurityPolicy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    etag,
    vary: 'Accept',
  };
  if (isNamed(etag, request.headers.get('if-none-match')))
    return new Response(null, { status: 304, headers });
  return respond(request, Buffer.from(html), { ...headers, 'content-type': 'text/html; charset=utf-8' });
}

/** Whether the header names the tag, also as a weak one: a proxy that compresses the page makes it that. */
function isNamed(etag: string, ifNoneMatch: string | null): boolean {
  return (ifNoneMatch ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

async function showAsset(request: Request, pathname: string, { hash, assets }: Built): Promise<Response> {
  const [given, name = ''] = pathname.slice(ASSETS_PATH.length).split('/');
  const asset = given === hash ? assets.get(name) : undefined;
  if (!asset) return errorResponse(new HttpError('This page is of an older gateway. Reload it.', 404));
  const { encoding, bytes } = await encode(asset, request.headers.get('accept-encoding'));
  return respond(request, bytes, {
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': asset.type,
    'x-content-type-options': 'nosniff',
    vary: 'Accept-Encoding',
    ...(encoding && { 'content-encoding': encoding }),
  });
}

function respond(request: Request, body: Uint8Array, headers: Record<string, string>): Response {
  return new Response(request.method === 'HEAD' ? null : (body as Uint8Array<ArrayBuffer>), {
    headers: { ...headers, 'content-length': String(body.byteLength) },
  });
}

/** Resolves as soon as the page is known; its files follow. */
function build(): Promise<Built> {
  const worker = new Worker(new URL('./build.ts', import.meta.url));
  const { promise, resolve, reject } = Promise.withResolvers<Built>();
  const bodies = new Map<string, (bytes: Uint8Array) => void>();
  const assets = new Map<string, Asset>();
  worker.on('error', reject).on('message', (message: BuildMessage) => {
    if (message.kind === 'page') {
      for (const [name, type] of message.types) {
        const body = Promise.withResolvers<Uint8Array>();
        bodies.set(name, body.resolve);
        assets.set(name, { type, gzip: body.promise, br: undefined });
      }
      resolve({ ...message, assets });
    } else if (message.encoding === 'gzip') {
      bodies.get(message.name)!(message.bytes);
    } else {
      assets.get(message.name)!.br = message.bytes;
    }
  });
  // The gateway ends without waiting for the compression of a page.
  worker.unref();
  return promise;
}
