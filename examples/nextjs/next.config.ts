import type { NextConfig } from 'next';

// Nothing is asked for elsewhere, neither while building nor later.
process.env.NEXT_TELEMETRY_DISABLED ??= '1';

const config: NextConfig = {
  output: 'standalone',
  // Other lockfiles lie above: this directory is the whole of the app.
  outputFileTracingRoot: import.meta.dirname,
  turbopack: { root: import.meta.dirname },
  agentRules: false,
  poweredByHeader: false,
  reactStrictMode: true,
  devIndicators: false,
};

export default config;
