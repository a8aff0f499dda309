import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import type { RunningExplorer } from './explorer-process.ts';
import { picture, type Visit, type VisitOptions, visit } from './visit.ts';
import type { World } from './world.ts';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Generous, since machines that run tests are busy; the figure itself is printed. */
const READY_MILLIS = 5_000;

/** Shown as a whole, a hundred thousand rows took six seconds on a quiet machine. */
const MAX_PAUSE_MILLIS = 3_000;

/** What the tests read of any answer. */
interface Data {
  readonly replicationStatus?: { readonly replicas: readonly unknown[] };
  readonly cdrStats?: { readonly totals?: { readonly attempts: number }; readonly rows?: readonly unknown[] };
  readonly cdrs?: {
    readonly nodes: readonly { readonly id: string; readonly cld?: string }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
  };
}

/** The tabs of a first visit, and how many rows there are in an answer. */
const examples: readonly (readonly [name: string, countRows: (data: Data) => number | undefined])[] = [
  ['Freshness', ({ replicationStatus }) => replicationStatus?.replicas.length],
  ['LastHour', ({ cdrStats }) => cdrStats?.totals?.attempts],
  ['CallsByNumber', ({ cdrs }) => cdrs?.nodes.length],
  ['TopDestinations', ({ cdrStats }) => cdrStats?.rows?.length],
  ['AsrByHour', ({ cdrStats }) => cdrStats?.rows?.length],
];

const nextPage = `query NextPage($number: String, $first: Int, $after: String) {
  # 100 % of "them" & more
  cdrs(filter: { cld: { startsWith: $number } }, first: $first, after: $after) {
    nodes { id cld }
    pageInfo { hasNextPage endCursor }
  }
}`;

const manyRows =
  'query ManyRows { cdrs(first: 100000) { nodes { id connectTime cli cld durationSeconds } } }';
const fewRows = 'query FewRows { cdrs(first: 3) { nodes { id cli } } }';

export function graphiql(world: () => World): void {
  describe('GraphiQL', () => {
    browserTest('asks for a token, and says in words when it is refused', async () => {
      await using visit = await openPage(world(), { expectedErrors: /status of 401/ });
      const { page } = visit;
      await viewer(page, 'Every request needs a token.').waitFor();
      await page.locator('.graphiql-execute-button').click();
      await result(page, 'Enter your access token above').waitFor();
      await enterToken(page, 'mistyped');
      await page.locator('#viewer.refused', { hasText: /\w/ }).waitFor();
      await enterToken(page, world().databases.tokens.admin);
      await viewer(page, 'every account').waitFor();
      assert.equal(await page.locator('#viewer.refused').count(), 0);
    });

    for (const [who, sees] of [
      ['admin', 'every account'],
      ['account', 'own calls'],
    ] as const) {
      browserTest(`runs its five examples as they are, with the token of ${who}`, async () => {
        await using visit = await openPage(world());
        const { page } = visit;
        await enterToken(page, world().databases.tokens[who]);
        await viewer(page, sees).waitFor();
        const tabs = page.locator('.graphiql-tab-button');
        await tabs.first().waitFor();
        assert.deepEqual(
          await tabs.allInnerTexts(),
          examples.map(([name]) => name),
        );
        for (const [place, [name, countRows]] of examples.entries()) {
          await tabs.nth(place).click();
          await queryEditor(page).getByText(`query ${name}`).waitFor();
          const data = await run(page, name, place % 2 ? byButton : byKeyboard);
          assert.ok(countRows(data)! > 0, `${name}: ${JSON.stringify(data)}`);
          await result(page, '"data"').waitFor();
        }
        await page.locator('#freshness', { hasText: /at most [\d.]+ s old, as of/ }).waitFor();
        await picture(page, `graphiql-${who}`);
      });
    }

    browserTest('a link opens with its query and its variables, and is copied with both', async () => {
      await using visit = await openPage(world(), { path: linkTo(nextPage, { number: '33', first: 5 }) });
      const { page } = visit;
      await enterToken(page, world().databases.tokens.admin);
      assert.equal(new URL(page.url()).search, '', 'a number need not stay in the address');
      await untilText(queryEditor(page), nextPage);
      await untilVariables(page, { number: '33', first: 5 });
      const { cdrs: first } = await run(page, 'NextPage', byButton);
      assert.equal(first?.nodes.length, 5);
      assert.ok(first.nodes.every(({ cld }) => cld?.startsWith('33')));

      const second = { number: '33', first: 5, after: first.pageInfo.endCursor };
      await variablesEditor(page).click();
      await page.keyboard.press('Control+A');
      // As brackets that are typed are closed by the editor.
      await paste(page, JSON.stringify(second));
      const { cdrs: next } = await run(page, 'NextPage', byKeyboard);
      const seen = new Set(first.nodes.map(({ id }) => id));
      assert.equal(next?.nodes.filter(({ id }) => !seen.has(id)).length, 5, 'it is the next page');

      await page.getByRole('button', { name: 'Copy link' }).click();
      await page.getByText('Link copied.').waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      await using other = await openPage(world(), { path: copied });
      await enterToken(other.page, world().databases.tokens.admin);
      await untilText(queryEditor(other.page), nextPage);
      await untilVariables(other.page, second);
      assert.equal((await run(other.page, 'NextPage', byButton)).cdrs?.nodes.length, 5);
      await result(other.page, '"data"').waitFor();
      await picture(other.page, 'graphiql-link');
    });

    browserTest(
      'shows the first rows of very many, offers all, and the page moves on meanwhile',
      async (t) => {
        await using visit = await openPage(world(), { path: linkTo(manyRows, {}) });
        const { page } = visit;
        await enterToken(page, world().databases.tokens.admin);
        await viewer(page, 'every account').waitFor();
        await queryEditor(page).getByText('query ManyRows').waitFor();
        await watchPauses(page);
        await byButton(page);
        await page.getByText('Shown: the first 1,000 of 100,000 cdrs.nodes.', { exact: true }).waitFor();
        await result(page, '"data"').waitFor();
        const pause = await longestPause(page);
        t.diagnostic(`100,000 rows: the page stood still for ${ms(pause)}`);
        assert.ok(pause < MAX_PAUSE_MILLIS, ms(pause));
        const downloading = page.waitForEvent('download');
        await page.getByRole('button', { name: 'Download all' }).click();
        const download = await downloading;
        assert.equal(download.suggestedFilename(), 'answer.json');
        const answer = JSON.parse(readFileSync(await download.path(), 'utf8')) as { readonly data: Data };
        assert.equal(answer.data.cdrs?.nodes.length, 100_000);
        await picture(page, 'graphiql-many-rows');

        await page.getByRole('tab', { name: 'LastHour' }).click();
        await run(page, 'LastHour', byButton);
        await page.getByRole('button', { name: 'Download all' }).waitFor({ state: 'hidden' });
      },
    );

    browserTest('shows a file of calls as what it is, when it is asked for in the headers', async () => {
      await using visit = await openPage(world(), { path: linkTo(fewRows, {}) });
      const { page } = visit;
      await enterToken(page, world().databases.tokens.admin);
      await queryEditor(page).getByText('query FewRows').waitFor();
      await page.getByRole('button', { name: 'Headers', exact: true }).click();
      await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines').click();
      await paste(page, '{ "Accept": "text/csv" }');
      await byButton(page);
      await page.getByText('Shown: all 4 lines of calls.csv.', { exact: true }).waitFor();
      await result(page, 'id,cli').waitFor();
      assert.equal(await page.locator('.result-window', { hasText: '"errors"' }).count(), 0);
      const downloading = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download all' }).click();
      const file = readFileSync(await (await downloading).path(), 'utf8');
      assert.match(file, /^id,cli\r\n("\d+",.*\r\n){3}$/);
    });

    browserTest('keeps a history of what was run, without headers, over visits', async () => {
      await using visit = await openPage(world(), { path: linkTo(fewRows, {}) });
      const { page } = visit;
      await enterToken(page, world().databases.tokens.admin);
      await queryEditor(page).getByText('query FewRows').waitFor();
      await page.getByRole('button', { name: 'Headers', exact: true }).click();
      await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines').click();
      await paste(page, '{ "x-note": "not to be kept" }');
      await run(page, 'FewRows', byButton);
      await page.reload();
      await viewer(page, 'every account').waitFor();
      await page.getByRole('button', { name: 'Show History' }).click();
      const history = page.getByRole('region', { name: 'History' });
      await history.getByText('FewRows', { exact: true }).waitFor();
      const kept = await page.evaluate(() => JSON.stringify(Object.entries(localStorage)));
      assert.ok(kept.includes('FewRows') && !kept.includes('not to be kept'), kept);
      await picture(page, 'graphiql-history');
    });

    browserTest('is ready soon when it is opened again', async (t) => {
      await using visit = await openPage(world());
      const { page } = visit;
      await enterToken(page, world().databases.tokens.admin);
      // Left open, it shows when the schema is there.
      await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
      await rootType(page).waitFor();
      await page.goto('about:blank');

      const began = performance.now();
      const passed = () => performance.now() - began;
      await page.goto('/graphql', { waitUntil: 'commit' });
      await queryEditor(page).getByText('query Freshness').click();
      await page.keyboard.press('End');
      await page.keyboard.type(' # typed');
      await queryEditor(page).getByText('# typed').waitFor();
      const editor = passed();
      await rootType(page).waitFor();
      t.diagnostic(`second load: typed into after ${ms(editor)}, schema there after ${ms(passed())}`);
      assert.ok(editor < READY_MILLIS, ms(editor));
    });

    browserTest('explains the schema: what cdrs is, and each of its arguments', async () => {
      await using visit = await openPage(world());
      const { page } = visit;
      await enterToken(page, world().databases.tokens.admin);
      await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
      await rootType(page).click();
      const docs = documentation(page);
      await docs.getByRole('link', { name: 'cdrs', exact: true }).click();
      await docs.getByText('Calls, newest first unless asked otherwise.').waitFor();
      await docs.getByText('viewer.maxPage').waitFor();
      await docs.getByRole('link', { name: 'CdrFilter', exact: true }).waitFor();
      await picture(page, 'graphiql-documentation');
    });

    for (const theme of ['light', 'dark'] as const) {
      browserTest(`is ${theme} where the system is, and legible`, async () => {
        await using visit = await openPage(world(), { theme });
        const { page } = visit;
        await enterToken(page, world().databases.tokens.account);
        await viewer(page, 'own calls').waitFor();
        await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
        await rootType(page).click();
        await run(page, 'Freshness', byButton);
        await result(page, '"data"').waitFor();
        await picture(page, `graphiql-${theme}`);
        for (const part of ['body', '#root .graphiql-container']) {
          const brightness = await brightnessOf(page.locator(part).first());
          assert.ok(theme === 'dark' ? brightness < 64 : brightness > 192, `${part}: ${brightness}`);
        }
        assert.deepEqual(await illegible(page), []);
      });
    }
  });
}

/**
 * GraphiQL of the demo's own gateway, which nobody kills: in a browser of its own that reaches no other host, and with
 * nobody signed in. At the end nothing must have gone wrong on its console, and nothing been asked for elsewhere.
 */
function openPage({ browser, databases }: World, options: VisitOptions = {}): Promise<Visit> {
  const { graphqlUrl } = databases as World['databases'] & { readonly graphqlUrl?: string };
  assert.ok(graphqlUrl, 'the demo says where its gateway is');
  const gateway: RunningExplorer = {
    url: new URL(graphqlUrl).origin,
    pid: 0,
    signIn: async () => 'session=none',
    errors: () => '',
    stop: async () => {},
  };
  return visit(browser, gateway, { path: '/graphql', ...options });
}

function linkTo(query: string, variables: object): string {
  return `/graphql?${new URLSearchParams({ query, variables: JSON.stringify(variables) })}`;
}

const viewer = (page: Page, text: string) => page.locator('#viewer', { hasText: text });
const result = (page: Page, text: string) => page.locator('.result-window', { hasText: text });
const queryEditor = (page: Page) => page.locator('.graphiql-query-editor .view-lines');
const variablesEditor = (page: Page) => page.locator('.graphiql-editor-tool .view-lines').first();
const documentation = (page: Page) => page.getByRole('region', { name: 'Documentation Explorer' });
const rootType = (page: Page) =>
  documentation(page).getByRole('link', { name: 'Query', exact: true }).first();
const ms = (millis: number) => `${millis.toFixed(0)} ms`;

async function enterToken(page: Page, token: string): Promise<void> {
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Use' }).click();
}

async function paste(page: Page, text: string): Promise<void> {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.keyboard.press('Control+V');
}

/** From now on the page notes when nothing could happen in it. */
async function watchPauses(page: Page): Promise<void> {
  await page.evaluate(() => {
    const noted = globalThis as { longestPause?: number };
    noted.longestPause = 0;
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      noted.longestPause = Math.max(noted.longestPause!, now - last);
      last = now;
    }, 10);
  });
}

const longestPause = (page: Page) =>
  page.evaluate(() => (globalThis as { longestPause?: number }).longestPause ?? Number.POSITIVE_INFINITY);

/** What an editor shows, from its first line; its spaces are not breaking. */
async function textOf(editor: Locator): Promise<string> {
  const lines = await editor.locator('.view-line').evaluateAll((found) =>
    found
      .map((line) => ({ top: line.getBoundingClientRect().top, text: line.textContent ?? '' }))
      .toSorted((one, other) => one.top - other.top)
      .map(({ text }) => text),
  );
  return lines.join('\n').replaceAll('\u00a0', ' ');
}

/** The editor draws its lines one after another, and not in their order: no single look at them can be trusted. */
async function untilText(editor: Locator, expected: string): Promise<void> {
  await until(`${expected} is there`, async () => (await textOf(editor)) === expected);
}

async function untilVariables(page: Page, expected: object): Promise<void> {
  const withoutSpace = async () => (await textOf(variablesEditor(page))).replaceAll(/\s/g, '');
  await until(
    `${JSON.stringify(expected)} is there`,
    async () => (await withoutSpace()) === JSON.stringify(expected),
  );
}

const byButton = (page: Page) => page.locator('.graphiql-execute-button').click();

async function byKeyboard(page: Page): Promise<void> {
  await queryEditor(page).click();
  await page.keyboard.press('Control+Enter');
}

/** The data of the query of that name, which the page asks for when this is done to it. There are no errors. */
async function run(page: Page, name: string, act: (page: Page) => Promise<void>): Promise<Data> {
  const answering = page.waitForResponse((response) =>
    Boolean(response.request().postData()?.includes(`query ${name}`)),
  );
  await act(page);
  const { data, errors } = (await (await answering).json()) as { data: Data; errors?: unknown };
  assert.equal(errors, undefined);
  return data;
}

/** Mean of its background's red, green and blue, of 255. */
async function brightnessOf(part: Locator): Promise<number> {
  const color = await part.evaluate((element) => getComputedStyle(element).backgroundColor);
  const channels = color
    .match(/[\d.]+/g)!
    .slice(0, 3)
    .map(Number);
  return channels.reduce((sum, channel) => sum + channel, 0) / 3;
}

/** Text with less contrast than WCAG 2.2 AA asks for. */
async function illegible(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run(document, { runOnly: ['color-contrast'] });
    return violations.flatMap(({ nodes }) =>
      nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)}: ${failureSummary}`),
    );
  });
}
