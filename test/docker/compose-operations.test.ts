import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../src/errors.ts';
import { tierOf } from '../../src/replicas/routing.ts';
import { type ReplicaState, replicaStates } from '../../src/replicas/states.ts';
import { settingsIn } from '../../src/settings/setting.ts';
import { allSettings } from '../../src/settings.ts';

const operations = readFileSync('docs/operations.md', 'utf8');
const pages = ['docs/operations.md', 'docs/postgresql.md'].map((file) => ({
  file,
  text: readFileSync(file, 'utf8'),
}));
const states = [...operations.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, state, meaning, readFrom, remedy]) => ({
    state: state as ReplicaState,
    meaning,
    readFrom: readFrom!,
    remedy: remedy!,
  }),
);

/** The word of docs/operations.md for how willingly a state is read from, when nothing else is known of the standby. */
function willingness(state: ReplicaState, purpose: 'page' | 'stream'): string {
  const calm = {
    isSuspect: false,
    isRecovering: false,
    isHalfDeaf: false,
    isJoining: false,
    allowPrimaryReads: false,
  };
  const tier = tierOf({ ...calm, state, purpose });
  if (tier === null) return 'never';
  return ['first choice', 'second choice'][tier] ?? 'last resort';
}

describe('docs/operations.md', () => {
  test('says of every state of a standby what it means, as the API does, and what to do', () => {
    expect(Object.fromEntries(states.map(({ state, meaning }) => [state, meaning]))).toEqual(replicaStates);
    for (const { remedy } of states) expect(remedy.length).toBeGreaterThan(5);
  });

  test.each(states)('says when calls are read from a standby that is $state', ({ state, readFrom }) => {
    const [page = '', exception] = readFrom.split('; ');

    expect(page).toBe(willingness(state, 'page'));
    if (exception?.startsWith('streams ')) expect(exception).toBe(`streams ${willingness(state, 'stream')}`);
    else expect(willingness(state, 'stream')).toBe(page);
  });

  test('names settings and error codes that exist', () => {
    const [, ...rest] = operations.split('## In containers');
    const named = [...rest.join('').matchAll(/`([A-Z][A-Z_]{3,})(?:=\S+)?`/g)].map((found) => found[1]!);
    const env = new Set(
      [...readFileSync('docker/env.example', 'utf8').matchAll(/^([A-Z_]+)=/gm)].map((found) => found[1]),
    );
    const settings = new Set(settingsIn(allSettings).map(({ name }) => name));
    const others = ['NODE_IMAGE', 'SITE_NAMES', 'ENV', 'DEGRADED', 'DOWN', 'SIGTERM', 'POST', 'UPDATE'];
    const unknown = named.filter(
      (name) =>
        !(
          settings.has(name) ||
          settings.has(name.replace(/_FILE$/, '')) ||
          name in errorCodes ||
          name in replicaStates ||
          env.has(name) ||
          others.includes(name)
        ),
    );

    expect(named.length).toBeGreaterThan(30);
    expect(unknown).toEqual([]);
  });
});

test.each(pages)('$file names files that are there', ({ text }) => {
  const named = [...text.matchAll(/(?<!test\/)\b((?:docker|docs)\/[\w./@-]+[\w])/g)].map(
    (found) => found[1]!,
  );
  // Made by make-secrets.sh, and never committed.
  const ours = named.filter((path) => !/^docker\/(secrets|\.env$)/.test(path));

  expect(ours.length).toBeGreaterThan(0);
  expect(ours.filter((path) => !existsSync(path))).toEqual([]);
});

test.each(pages)('$file links to headings that are there', ({ file, text }) => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  const headings = (path: string) =>
    [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map((found) => slug(found[1]!));
  const links = [...text.matchAll(/\]\(([\w.]*)#([\w-]+)\)/g)];

  for (const [, target, anchor] of links)
    expect(headings(target ? `docs/${target}` : file)).toContain(anchor);
  for (const [, target] of text.matchAll(/\]\(([\w.]+\.md)/g))
    expect(globSync('docs/*.md')).toContain(`docs/${target}`);
});
