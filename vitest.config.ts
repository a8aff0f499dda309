import { defineConfig } from 'vitest/config';

export default defineConfig({
  // graphql has a `development` export which Vite would pick for our files and Node would not for
  // packages: two copies, and `instanceof GraphQLError` fails between them.
  ssr: { resolve: { conditions: ['node', 'module-sync', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Beside the tests run a primary and its standbys.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    reporters: ['default', './test/support/retry-reporter.ts'],
  },
});
