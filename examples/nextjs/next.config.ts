import { join } from 'node:path';
import type { NextConfig } from 'next';

// Nothing is asked for elsewhere, neither while building nor later.
process.env.NEXT_TELEMETRY_DISABLED ??= '1';

// Nothing outside is read. The gateway's client lies in packages/client, in TypeScript as it stands; who takes this
// directory elsewhere installs the client from its package, and this directory is then the root.
const root = join(import.meta.dirname, '../..');

const config: NextConfig = {
  output: 'standalone',
  outputFileTracingRoot: root,
  turbopack: { root },
  transpilePackages: ['cdr-gateway-client'],
  agentRules: false,
  poweredByHeader: false,
  reactStrictMode: true,
  devIndicators: false,
};

export default config;
