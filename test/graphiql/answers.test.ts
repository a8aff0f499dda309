import { describe, expect, test } from 'vitest';
import { headOf, MAX_SHOWN_ROWS, readAnswer } from '../../src/graphiql/answers.ts';
import { withoutHeaders } from '../../src/graphiql/history.ts';

const json = (body: unknown, status = 200) => Response.json(body, { status });
const ofType = (type: string, body: string, init: ResponseInit = {}) =>
  new Response(body, { ...init, headers: { 'content-type': type } });
const read = async (response: Response) => readAnswer(headOf(response), await response.blob());
const rows = (length: number) => Array.from({ length }, (_, index) => ({ id: String(index) }));

describe('an answer in JSON', () => {
  test('is shown as it is when it is not long', async () => {
    const body = { data: { cdrs: { nodes: rows(MAX_SHOWN_ROWS) } }, extensions: { a: null } };
    expect(await read(json(body))).toEqual({ shown: body });
    const refused = { errors: [{ message: 'No.' }] };
    expect(await read(json(refused, 400))).toEqual({ shown: refused });
  });

  test('is shown in part when it is long, says so, and is whole in its file', async () => {
    const body = {
      data: { cdrs: { nodes: rows(100_000), edges: rows(1001) }, few: rows(2) },
      extensions: { replica: { name: 'a' } },
    };
    const { shown, file } = await read(json(body));
    expect(shown).toEqual({
      shown: 'Shown: the first 1,000 of 100,000 cdrs.nodes, 1,000 of 1,001 cdrs.edges.',
      data: { cdrs: { nodes: rows(1000), edges: rows(1000) }, few: rows(2) },
      extensions: body.extensions,
    });
    expect(file!.name).toBe('answer.json');
    expect(JSON.parse(await file!.body.text())).toEqual(body);
  });
});

describe('a file of calls', () => {
  const header = 'id,cli';
  const csv = (length: number) => [header, ...rows(length).map(({ id }) => `"${id}",`), ''].join('\r\n');

  test('is shown line by line, and is no error', async () => {
    const { shown, file } = await read(ofType('text/csv; charset=utf-8', csv(2)));
    expect(shown).toEqual({
      shown: 'Shown: all 3 lines of calls.csv.',
      lines: [header, '"0",', '"1",'],
    });
    expect(await file!.body.text()).toBe(csv(2));
  });

  test('is shown from its beginning when it is long', async () => {
    for (const length of [1500, 400_000]) {
      const { shown, file } = await read(ofType('text/csv', csv(length)));
      const { lines, shown: note } = shown as { lines: string[]; shown: string };
      expect([lines.length, lines.at(-1)]).toEqual([1000, '"998",']);
      expect(note).toBe('Shown: the first 1,000 lines of calls.csv.');
      expect(file!.body.size).toBe(csv(length).length);
    }
  });

  test('of NDJSON is shown as rows', async () => {
    const { shown, file } = await read(ofType('application/x-ndjson', '{"id":"1"}\n{"id":"2"}\n'));
    expect(shown).toMatchObject({ lines: [{ id: '1' }, { id: '2' }] });
    expect(file!.name).toBe('calls.ndjson');
  });
});

test('what is neither, from a proxy, is an error with its status', async () => {
  const page = ofType('text/html', '<h1>Bad Gateway</h1>', { status: 502, statusText: 'Bad Gateway' });
  expect((await read(page)).shown).toEqual({
    errors: [{ message: 'The gateway answered 502 Bad Gateway.' }],
  });
});

test('the history keeps queries and variables, and no headers', () => {
  const kept = new Map<string, string>();
  const storage = withoutHeaders({
    length: 0,
    key: () => null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
    clear: () => kept.clear(),
  });
  const query = { query: '{ a }', variables: '{"headers":1}', headers: '{"authorization":"Bearer s"}' };
  storage.setItem('graphiql:queries', JSON.stringify({ queries: [query] }));
  storage.setItem('graphiql:theme', 'dark');
  expect(storage.getItem('graphiql:queries')).toBe(JSON.stringify({ queries: [{ ...query, headers: '' }] }));
  expect(storage.getItem('graphiql:theme')).toBe('dark');
});
