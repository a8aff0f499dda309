import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const { version, engines, license } = JSON.parse(readFileSync('package.json', 'utf8'));

/** The command line as a process of its own; `node` is what it takes its Node for. */
function run(args: readonly string[], { node }: { node?: string } = {}) {
  const pretence = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'${node}'})`;
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [...(node ? ['--import', pretence] : []), 'src/cli.ts', ...args],
      { env: { PATH: process.env.PATH } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

test.each(['--version', '-v'])('%s prints the version of package.json', async (flag) => {
  expect(await run([flag])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test.each(['20.20.2', '22.18.0', '23.11.1'])(
  'Node %s is told in a sentence which one is needed',
  async (node) => {
    expect(await run(['migrate', 'status'], { node })).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(`^Node ${engines.node.slice(2)} or later is needed, and this is ${node}\\..*\\n$`),
      ),
    });
  },
);

test('the first Node that will do is that of package.json, and the one of development is such a one', async () => {
  expect(engines.node).toMatch(/^>=\d+$/);
  const oldest = await run(['--version'], { node: `${engines.node.slice(2)}.0.0` });

  expect(oldest.code).toBe(0);
  expect(Number.parseInt(process.versions.node, 10)).toBeGreaterThanOrEqual(Number(engines.node.slice(2)));
});

test('every document that names a Node names this one', () => {
  const files = [
    'docs/operations.md',
    'docker/Dockerfile',
    'docker/pm2.config.cjs',
    'docker/systemd/cdr-gateway.service',
  ];
  for (const file of files) {
    expect(readFileSync(file, 'utf8'), file).toContain(`Node ${engines.node.slice(2)} or later`);
  }
});

test('the license of package.json is the one that is there', () => {
  expect(readFileSync('LICENSE', 'utf8')).toMatch(new RegExp(`^${license} License\\n`));
});

test('an unknown command is said, with those that there are', async () => {
  const { code, stdout, stderr } = await run(['nonsense']);

  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^There is no command "nonsense"\.\n\nUsage: .*\n {2}serve /s);
});
