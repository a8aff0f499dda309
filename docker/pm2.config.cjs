/**
 * Two gateways under PM2, on the ports of docker/nginx/site.conf:
 *   pm2 start docker/pm2.config.cjs && pm2 save && pm2 startup
 * Settings are in ENV_FILE (default: .env in the root of the repository), except the ports; values that hold a # need
 * quotes there. Two processes rather than PM2's cluster mode: each has its own health, figures and upgrade, and nginx
 * shares the work between them.
 */
const { join } = require('node:path');

const root = join(__dirname, '..');
const envFile = process.env.ENV_FILE ?? join(root, '.env');

const gateway = (port) => ({
  name: `cdr-gateway-${port}`,
  cwd: root,
  script: 'src/cli.ts',
  args: 'serve',
  // Node 24 or later; it runs the TypeScript as it stands.
  interpreter: 'node',
  node_args: `--env-file=${envFile}`,
  exec_mode: 'fork',
  // The environment wins over the file.
  env: { NODE_ENV: 'production', API_PORT: String(port) },
  // Longer than DRAIN_TIMEOUT, for which running answers may go on.
  kill_timeout: 40_000,
  exp_backoff_restart_delay: 200,
  max_memory_restart: '1G',
  // The gateway's own lines carry their time.
  time: false,
  merge_logs: true,
});

module.exports = { apps: [gateway(3001), gateway(3002)] };
