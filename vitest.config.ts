import { defineConfig } from 'vitest/config';

/** Of what is measured under attack, and of times, a busy machine says nothing: those are run by commands of their own. */
function included(): string[] {
  if (process.env.ABUSE_SECONDS) return ['test/security/abuse.run.ts'];
  const all = 'test/**/*.test.ts';
  return process.env.SECURITY_PAIRS ? [all, 'test/security/timing.run.ts'] : [all];
}

export default defineConfig({
  // graphql has a `development` export which Vite would pick for our files and Node would not for
  // packages: two copies, and `instanceof GraphQLError` fails between them.
  ssr: { resolve: { conditions: ['node', 'module-sync', 'default'] } },
  test: {
    include: included(),
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Beside the tests run a primary and its standbys.
    maxWorkers: 2,
    // Ends what hangs; how long a test takes is the machine's business.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // So does how long a condition takes to come true.
    expect: { poll: { timeout: 30_000 } },
    teardownTimeout: 30_000,
    reporters: ['default', './test/support/retry-reporter.ts'],
  },
});
