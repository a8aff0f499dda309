import { join } from 'node:path';
import { sealSession } from '../../src/server/session.ts';
import type { User } from '../../src/server/users.ts';
import { startChild, until } from './child.ts';
import { freePort } from './ports.ts';

const app = join(import.meta.dirname, '../..');
const SECRET = 'the secret of the tests, which is long enough';

export interface ExplorerOptions {
  readonly gatewayUrl: string;
  readonly tokens: { readonly admin: string; readonly account: string };
  readonly accountId?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningExplorer {
  readonly url: string;
  /** `session=…`, as after a sign-in. */
  cookieOf(name: string): string;
  errors(): string;
  stop(): Promise<void>;
}

/** The built app as it is deployed: the standalone server, its settings from the environment. */
export async function startExplorer({
  gatewayUrl,
  tokens,
  accountId = '1',
  env,
}: ExplorerOptions): Promise<RunningExplorer> {
  const port = await freePort();
  const users: User[] = [
    { name: 'customer', password: 'customer', role: 'customer', accountIds: [accountId], masked: false },
    { name: 'admin', password: 'admin', role: 'admin', accountIds: [], masked: false },
    { name: 'support', password: 'support', role: 'admin', accountIds: [], masked: true },
  ];
  const child = startChild(['.next/standalone/server.js'], {
    cwd: app,
    env: {
      HOSTNAME: '127.0.0.1',
      PORT: String(port),
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      GATEWAY_URL: gatewayUrl,
      GATEWAY_ADMIN_TOKEN: tokens.admin,
      GATEWAY_ACCOUNT_TOKEN: tokens.account,
      SESSION_SECRET: SECRET,
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
    cookieOf(name) {
      const user = users.find((candidate) => candidate.name === name)!;
      return `session=${sealSession({ users, sessionSecret: SECRET, sessionHours: 12 }, user, Date.now())}`;
    },
    errors: () => child.errors(),
    stop: () => child.stop(),
  };
}
