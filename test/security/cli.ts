import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const help = `Usage: npm run test:security -- [--operations N] [--pairs N] [--seed N] [--only NAME]

Who may see what, tried: every field as every role, own, foreign and absent; what strangers learn; random operations of a
tenant over everybody's calls and over its own alone, which must be the same byte for byte but for positions and times.
For every ten of them a call is changed, too, of which subscribers must be told the same.
With --only timing: whether what is foreign takes longer than what is absent.

  --operations N   random operations (default 3000)
  --pairs N        pairs of requests of which times are compared (default 2000)
  --seed N         of the random operations (default 1)
  --only NAME      access, non-interference or timing
`;

const parts: Readonly<Record<string, readonly string[]>> = {
  access: ['test/access', 'test/gateway/strangers.test.ts', 'test/security/bad-input.test.ts'],
  'non-interference': [
    'test/security/non-interference.test.ts',
    'test/security/feed-non-interference.test.ts',
    'test/security/tenant-plans.test.ts',
  ],
  timing: ['test/security/timing.run.ts'],
};

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '3000' },
    pairs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});
const { operations, pairs, seed, only, help: wantsHelp } = values;
const areNumbers = [operations, pairs, seed].every((text) => /^[1-9]\d{0,8}$/.test(text));
if (wantsHelp || !areNumbers || (only !== undefined && !Object.hasOwn(parts, only))) {
  process.stdout.write(help);
  process.exit(wantsHelp ? 0 : 2);
}
// Times say something on a machine that does nothing else.
const files = (only === undefined ? ['access', 'non-interference'] : [only]).flatMap((name) => parts[name]!);
const env = { ...process.env, SECURITY_OPERATIONS: operations, SECURITY_PAIRS: pairs, SECURITY_SEED: seed };
const vitest = spawn('vitest', ['run', ...files], { env, stdio: 'inherit' });
vitest.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
