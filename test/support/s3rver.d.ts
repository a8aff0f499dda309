/** A server of S3 that keeps its buckets in a directory; it brings no types. */
declare module '@20minutes/s3rver' {
  import type { Server } from 'node:https';

  export interface S3ServerOptions {
    readonly address: string;
    readonly port: number;
    /** PEM. */
    readonly key: Buffer;
    readonly cert: Buffer;
    readonly directory: string;
    readonly silent: boolean;
    readonly allowMismatchedSignatures: boolean;
    readonly configureBuckets: readonly { readonly name: string }[];
  }

  export default class S3Server {
    constructor(options: S3ServerOptions);
    readonly httpServer: Server;
    run(): Promise<{ readonly port: number }>;
    close(): Promise<void>;
  }
}
