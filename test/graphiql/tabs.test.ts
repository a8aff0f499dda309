import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { createExamples } from '../../src/graphiql/examples.ts';
import { openTabs, readLink, writeLink } from '../../src/graphiql/tabs.ts';
import { schema } from '../../src/schema/index.ts';

const examplesAt = (now: string) => createExamples({ now: new Date(now), timeZone: 'Europe/Paris' });

const today = examplesAt('2026-01-05T09:30:00.123Z');
const yesterday = examplesAt('2026-01-04T17:00:00Z');

describe('an example', () => {
  test.each([...today, ...createExamples({ now: new Date(), timeZone: 'UTC' })])(
    'runs as it is: %s',
    (query) => {
      expect(validate(schema, parse(query))).toEqual([]);
      // Without a default, a variable must be nullable: nobody fills it in.
      expect(query).not.toMatch(/\$\w+: [^=\n]*!\s*$/m);
    },
  );

  test('names the five queries that analysts begin with', () => {
    expect(today.map((query) => /query (\w+)/.exec(query)?.[1])).toEqual([
      'Freshness',
      'LastHour',
      'CallsByNumber',
      'TopDestinations',
      'AsrByHour',
    ]);
  });

  test('of the first tab has no variables, which GraphiQL would drop', () => {
    expect(today[0]).not.toContain('$');
  });

  test('knows what the last hour is, and whose hours they are', () => {
    expect(today[1]).toContain('"2026-01-05T08:30:00Z"');
    expect(today[4]).toContain('"2026-01-04T09:00:00Z"');
    expect(today[4]).toContain('"Europe/Paris"');
    expect(today[4]).toContain('$accounts: [ID!]\n');
  });
});

describe('the tabs', () => {
  const titles = ({ tabs }: ReturnType<typeof openTabs>) => tabs.map(({ title }) => title);

  test('of a first visit are the examples', () => {
    const state = openTabs(null, today);

    expect(titles(state)).toEqual(['Freshness', 'LastHour', 'CallsByNumber', 'TopDestinations', 'AsrByHour']);
    expect(state.activeTabIndex).toBe(0);
    expect(new Set(state.tabs.map(({ id }) => id)).size).toBe(5);
  });

  test('of a later visit are those that were left open, with what was edited', () => {
    const left = openTabs(null, today);
    const edited = { ...left.tabs[2]!, query: '{ viewer { name } }', variables: '{"a":1}', title: 'mine' };
    const stored = JSON.stringify({ activeTabIndex: 1, tabs: [left.tabs[0], edited] });

    expect(openTabs(stored, today)).toMatchObject({
      activeTabIndex: 1,
      tabs: [{ title: 'Freshness' }, { title: 'mine', query: '{ viewer { name } }', variables: '{"a":1}' }],
    });
  });

  test('that show an example as it was get the times of today', () => {
    const stored = JSON.stringify(openTabs(null, yesterday));

    expect(openTabs(stored, today).tabs.map(({ query }) => query)).toEqual(today);
  });

  test('that show an edited example keep their times', () => {
    const left = openTabs(null, yesterday);
    const edited = { ...left.tabs[1]!, query: left.tabs[1]!.query!.replace('asr', 'asr failed') };

    const { tabs } = openTabs(JSON.stringify({ activeTabIndex: 0, tabs: [edited] }), today);
    expect(tabs[0]?.query).toBe(edited.query);
  });

  test('open a link beside them, with its variables', () => {
    const link = { query: 'query Shared($id: ID!) { cdr(id: $id) { cli } }', variables: '{"id":"1"}' };
    const state = openTabs(JSON.stringify(openTabs(null, today)), today, link);

    expect(titles(state).at(-1)).toBe('Shared');
    expect(state.tabs[state.activeTabIndex]).toMatchObject(link);
  });

  test('open a link once, however often it is followed', () => {
    const link = { query: '{ viewer { name } }', variables: '' };
    const once = openTabs(null, today, link);
    const twice = openTabs(JSON.stringify({ ...once, activeTabIndex: 0 }), today, link);

    expect(twice.tabs).toHaveLength(6);
    expect(twice.activeTabIndex).toBe(5);
    expect(openTabs(JSON.stringify(once), today, { ...link, variables: '{}' }).tabs).toHaveLength(7);
  });

  test.each(['', '{', '[]', 'null', '{"tabs":[]}', '{"tabs":[{}],"activeTabIndex":0}', '{"tabs":[null]}'])(
    'of a store that holds %j are the examples',
    (stored) => {
      expect(openTabs(stored, today).tabs).toHaveLength(5);
    },
  );
});

describe('a link', () => {
  test('keeps query and variables, whatever is in them', () => {
    const link = {
      query: 'query Q($n: String) {\n  # 100 % & more? "ü"\n  cdr(id: 1) { id } }',
      variables: '{"n":"+33 1&2=3#4"}',
    };
    const address = writeLink('https://gateway.example/graphql', link);

    expect(readLink(new URL(address).search)).toEqual(link);
  });

  test('without variables is just the query', () => {
    expect(writeLink('/graphql', { query: '{a}', variables: ' ' })).toBe('/graphql?query=%7Ba%7D');
    expect(readLink('?query=%7Ba%7D')).toEqual({ query: '{a}', variables: '' });
    expect(readLink('?variables=%7B%7D')).toBeUndefined();
    expect(readLink('')).toBeUndefined();
  });
});
