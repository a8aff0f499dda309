import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, errorCodes, errorTraits } from '../src/errors.ts';
import { createPhases, type PhaseDeps } from '../src/graphql/request.ts';

const read = (file: string) => readFileSync(file, 'utf8');
const headings = (file: string) => [...read(file).matchAll(/^#{2,3} `([A-Z_]+)`/gm)].map((found) => found[1]);

describe('the documentation says what the code does', () => {
  test('docs/errors.md has a section for every error code, and for nothing else', () => {
    expect(headings('docs/errors.md')).toEqual(Object.keys(errorCodes));
  });

  test('docs/errors.md gives the status, the retryability and the outcome of every error code', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|.*$/gm)].map(([row]) => row);
    const expected = (Object.keys(errorCodes) as ErrorCode[]).map((code) => {
      const { status, isGraphQLAnswer, retryable, result } = errorTraits(code);
      const ofGraphQL = isGraphQLAnswer ? 200 : status;
      return `| \`${code}\` | ${status} | ${ofGraphQL} | ${retryable ? 'yes' : 'no'} | ${result} |`;
    });
    expect(rows).toEqual(expected);
  });

  test('docs/contributing.md names files and declarations that are there', () => {
    const named = [...read('docs/contributing.md').matchAll(/`([^`\s]+)`/g)].map((found) => found[1]!);
    const files = named.filter((name) => /^[\w.-]+(\/[\w.-]+)+$|^[\w-]+\.(ts|md|json|graphql)$/.test(name));
    expect(files.length).toBeGreaterThan(9);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);

    const code = globSync('src/**/*.ts').map(read).join('\n');
    const declarations = named.filter((name) => /^[a-z]+[A-Z]\w*$/.test(name));
    expect(declarations.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
  });

  test('docs/lifecycle.md names the phases of a request, in their order', () => {
    const phases = createPhases({} as PhaseDeps).map(({ name }) => name);
    const text = read('docs/lifecycle.md');
    expect([...text.matchAll(/^\| `(\w+)` \|/gm)].map((found) => found[1])).toEqual(phases);
    const drawn = [...text.matchAll(/^ {3}(\w+) {2,}\S/gm)].map((found) => found[1]);
    expect(drawn.filter((word) => phases.includes(word!))).toEqual(phases);
  });
});

test('decisions are numbered without a gap, and each says its own number', () => {
  const files = globSync('docs/decisions/*.md').sort();
  expect(files.map((file) => Number(basename(file).slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  for (const file of files) {
    expect(read(file)).toMatch(new RegExp(`^# ${Number(basename(file).slice(0, 4))}\\. `));
  }
});

/** Of a heading, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (file: string) =>
  [...read(file).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) => anchorOf(heading!));

describe.each(
  [...globSync('docs/*.md'), ...globSync('docs/decisions/*.md'), 'README.md', 'bench/README.md'].sort(),
)('the links of %s', (file) => {
  test('lead to files and headings that are there', () => {
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
    const lost = links.filter(([, path, anchor]) => {
      const target = path ? join(dirname(file), path) : file;
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(lost.map(([link]) => link)).toEqual([]);
  });
});

test('the handbook has a place for every page', () => {
  const handbook = read('docs/README.md');
  const pages = globSync('docs/*.md').map((file) => basename(file));
  expect(pages.filter((page) => page !== 'README.md' && !handbook.includes(`](${page}`))).toEqual([]);
});

interface Block {
  /** Where it stands. */
  readonly section: string;
  /** The line that says what runs it. */
  readonly mark: string;
}

/** Blocks of shell commands, by the page. */
const commands = new Map(
  [...globSync('docs/*.md'), 'README.md', 'bench/README.md']
    .sort()
    .map((file) => [file, shellBlocksOf(read(file))]),
);

function shellBlocksOf(markdown: string): readonly Block[] {
  let section = '';
  return [...markdown.matchAll(/^#{2,3} (.*)$|^ *```(?:sh|bash|shell|console)\b.*\n *(.*)$/gm)].flatMap(
    ([, heading, mark]) => {
      section = heading ?? section;
      return mark === undefined ? [] : [{ section, mark }];
    },
  );
}

/** What the rehearsal of the handbook is told to follow: sections of one page, and what another says for one host. */
const rehearsal = globSync('test/operations/*.ts').map(read).join('\n');
const followed = (file: string, { section, mark }: Block) =>
  (file === 'docs/postgresql.md' && rehearsal.includes(`'${section}'`)) ||
  (file === 'docs/operations.md' && mark.startsWith("# on the gateway's host"));

test('there are commands in the documentation, and they are found', () => {
  for (const file of ['docs/operations.md', 'docs/postgresql.md']) {
    expect(commands.get(file)!.length).toBeGreaterThan(10);
  }
});

describe.each([...commands].filter(([, blocks]) => blocks.length > 0))(
  'the commands of %s',
  (file, blocks) => {
    test('say by their first line on which host they run, which test runs them, or that none does', () => {
      const mark = /^# (on (db-\d|the gateway's host)\b|(run|tried) by test\/|not run by the tests)/;
      expect(blocks.filter((block) => !mark.test(block.mark))).toEqual([]);
    });

    test('name tests that are there', () => {
      const named = blocks.flatMap(({ mark }) =>
        [...mark.matchAll(/test\/[\w/.-]+\.ts/g)].map(([path]) => path),
      );
      expect(named.filter((path) => !existsSync(path))).toEqual([]);
    });

    test('are followed where they name a host', () => {
      const onHosts = blocks.filter(({ mark }) => mark.startsWith('# on '));
      expect(onHosts.filter((block) => !followed(file, block))).toEqual([]);
    });
  },
);
