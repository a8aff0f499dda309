import { join } from 'node:path';
import { startChild, until } from './child.ts';
import { freePort } from './ports.ts';

const app = join(import.meta.dirname, '../..');

/** What explorer and gateway share in the tests. */
export const jwt = {
  secret: 'the secret of the tests, which is long enough',
  issuer: 'call-explorer',
  audience: 'cdr-gateway',
} as const;

export interface ExplorerOptions {
  readonly gatewayUrl: string;
  readonly accountId?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it listens; somewhere free unless told otherwise. */
  readonly port?: number;
}

export interface RunningExplorer {
  readonly url: string;
  readonly pid: number;
  /** `session=…` of a session of its own, by the password, which is the name. */
  signIn(name: string): Promise<string>;
  errors(): string;
  stop(): Promise<void>;
}

/** The built app as it is deployed: the standalone server, its settings from the environment. */
export async function startExplorer({
  gatewayUrl,
  accountId = '1',
  env,
  port: wanted,
}: ExplorerOptions): Promise<RunningExplorer> {
  const port = wanted ?? (await freePort());
  const users = [
    { name: 'customer', password: 'customer', role: 'customer', accountIds: [accountId] },
    { name: 'admin', password: 'admin', role: 'admin' },
    { name: 'support', password: 'support', role: 'admin', masked: true },
  ];
  const child = startChild(['.next/standalone/server.js'], {
    cwd: app,
    env: {
      HOSTNAME: '127.0.0.1',
      PORT: String(port),
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      GATEWAY_URL: gatewayUrl,
      GATEWAY_JWT_SECRET: jwt.secret,
      GATEWAY_TRUSTED_DOCUMENTS: 'true',
      USERS: JSON.stringify(users),
      ...env,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await until('the app answers', async () => {
    if (child.process.exitCode !== null) throw new Error(`The app ended:\n${child.errors()}`);
    return (await fetch(`${url}/sign-in`).catch(() => undefined))?.ok;
  });
  return {
    url,
    pid: child.process.pid!,
    async signIn(name) {
      const response = await fetch(`${url}/api/sign-in`, {
        method: 'POST',
        body: new URLSearchParams({ name, password: name }),
        redirect: 'manual',
      });
      const [cookie] = response.headers.getSetCookie();
      if (!cookie) throw new Error(`${name} cannot sign in: ${response.headers.get('location')}`);
      return cookie.split(';')[0]!;
    },
    errors: () => child.errors(),
    stop: () => child.stop(),
  };
}
