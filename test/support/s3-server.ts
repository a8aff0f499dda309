import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3Server from '@20minutes/s3rver';
import { findServerAccount, giveTo } from '../../src/demo/server-account.ts';
import { makeCertificate } from './backup-site.ts';

const HOST = '127.0.0.1';
/** The only keys the server knows. */
const KEYS = { id: 'S3RVER', secret: 'S3RVER' } as const;
export const BUCKET = 'backups';

/** A server of S3 over TLS, with a certificate of an authority of its own, and one empty bucket. */
export interface S3Store extends AsyncDisposable {
  /** Of `backup plan`. */
  readonly repository: string;
  readonly keyFile: string;
  /** The bucket's objects, as files. */
  readonly directory: string;
  /** Over the same bucket, and with it every signature must be right. The lists of pgBackRest, which end in "/", are not to it. */
  readonly strictPort: number;
}

export async function startS3(): Promise<S3Store> {
  const root = await mkdtemp(join(tmpdir(), 'cdr-s3-'));
  await makeCertificate(root, 's3', HOST);
  const directory = join(root, 'objects');
  await mkdir(directory);
  const [key, cert] = await Promise.all(
    ['server.key', 'server.crt'].map((name) => readFile(join(root, 's3', name))),
  );
  const start = async (allowMismatchedSignatures: boolean) => {
    const server = new S3Server({
      address: HOST,
      port: 0,
      key: key!,
      cert: cert!,
      directory,
      silent: true,
      allowMismatchedSignatures,
      configureBuckets: [{ name: BUCKET }],
    });
    const { port } = await server.run();
    return { server, port };
  };
  const [lenient, strict] = [await start(true), await start(false)];
  const keyFile = join(root, 'keys');
  await writeFile(keyFile, `${KEYS.id}\n${KEYS.secret}\n`, { mode: 0o600 });
  const caFile = join(root, 'ca.crt');
  await giveTo(findServerAccount(), root);
  return {
    repository: `s3://${BUCKET}/sippy?endpoint=${HOST}:${lenient.port}&region=fr-par&ca=${caFile}`,
    keyFile,
    directory: join(directory, BUCKET),
    strictPort: strict.port,
    async [Symbol.asyncDispose]() {
      for (const { server } of [lenient, strict]) {
        server.httpServer.closeAllConnections();
        await server.close();
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}
