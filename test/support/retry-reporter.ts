import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Ends a run with what its green ticks hide: which tests needed another try, and how many did not run. No test is tried
 * again unless it says so itself, with the reason beside it.
 */
export default class RetryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const retried = tests.filter((test) => triesOf(test) > 1);
    const skipped = tests.filter((test) => test.result().state === 'skipped');
    const lines = [
      `Tried again: ${retried.length} of ${tests.length} tests.`,
      ...retried.map((test) => `  ${triesOf(test)} tries: ${nameOf(test)}`),
      `Skipped: ${skipped.length} of ${tests.length} tests.`,
      ...countByFile(skipped).map(([file, count]) => `  ${count}: ${file}`),
    ];
    process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}

function triesOf(test: TestCase): number {
  return (test.diagnostic()?.retryCount ?? 0) + 1;
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

function countByFile(tests: readonly TestCase[]): readonly [string, number][] {
  const counts = new Map<string, number>();
  for (const { module } of tests) {
    counts.set(module.relativeModuleId, (counts.get(module.relativeModuleId) ?? 0) + 1);
  }
  return [...counts];
}
