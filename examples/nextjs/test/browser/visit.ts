import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import type { RunningExplorer } from './explorer-process.ts';

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const artefacts = join(import.meta.dirname, '../../artefacts');

export interface VisitOptions {
  readonly user?: 'customer' | 'admin' | 'support';
  readonly path?: string;
  readonly theme?: 'light' | 'dark';
  readonly locale?: string;
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly scale?: number;
  /** Errors on the console that the test provokes. */
  readonly expectedErrors?: RegExp;
}

/** Rows are HTML elements. */
export type Rows = Omit<Locator, 'evaluateAll'> & {
  evaluateAll<R>(read: (rows: HTMLElement[]) => R): Promise<R>;
};

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Addresses that the page asked for anywhere but at the app. */
  readonly foreign: readonly string[];
  /** Rows in the document. */
  rows(): Rows;
  /** Number of calls that the page says it has. */
  loaded(): Promise<number>;
  /** Until the list, its sums and its picture have been answered. */
  settled(): Promise<void>;
}

let changes = 0;
let lastSight: Buffer | undefined;

/** What the page that was left last looked like then: of a test that failed, where it failed. */
export function sightOfLastVisit(): Buffer | undefined {
  return lastSight;
}

/** How often the machine's own network came or went so far: none of our doing. */
export function networkChanges(): number {
  return changes;
}

/** Where Chromium is, and whether it is there. */
export function findChromium(environment: Readonly<Record<string, string | undefined>>) {
  const path = environment.CHROMIUM ?? '/usr/bin/chromium';
  return { path, isThere: existsSync(path) };
}

export async function startBrowser(executablePath: string): Promise<Browser> {
  mkdirSync(artefacts, { recursive: true });
  return chromium.launch({
    executablePath,
    // Whatever the page asks for elsewhere cannot even be found.
    args: ['--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', '--disable-background-networking'],
  });
}

/** A page of the app, signed in, in a browser of its own. At the end nothing must have gone wrong on its console. */
export async function visit(
  browser: Browser,
  explorer: RunningExplorer,
  options: VisitOptions = {},
): Promise<Visit> {
  const {
    user = 'admin',
    path = '/calls',
    theme = 'light',
    locale = 'en-GB',
    scale = 1,
    expectedErrors,
  } = options;
  const context = await browser.newContext({
    baseURL: explorer.url,
    colorScheme: theme,
    locale,
    timezoneId: 'Europe/Paris',
    viewport: options.viewport ?? { width: 1440, height: 900 },
    deviceScaleFactor: scale,
    permissions: ['clipboard-read', 'clipboard-write'],
    acceptDownloads: true,
  });
  const [name, value] = (await explorer.signIn(user)).split('=') as [string, string];
  await context.addCookies([{ name, value, url: explorer.url, httpOnly: true, sameSite: 'Lax' }]);
  const foreign: string[] = [];
  const complaints: string[] = [];
  context.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (/^https?:$/.test(protocol) && host !== new URL(explorer.url).host) foreign.push(request.url());
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    if (/ERR_NETWORK_CHANGED/.test(message.text())) {
      changes += 1;
      return;
    }
    if (!expectedErrors?.test(message.text())) complaints.push(message.text());
  });
  await page.goto(path);
  return {
    page,
    context,
    foreign,
    rows: () => page.locator('[role=row][data-index]') as Rows,
    loaded: async () => Number(await page.locator('[data-loaded]').getAttribute('data-loaded')),
    async settled() {
      await page.locator('[role=row][data-index="0"], [data-empty]').first().waitFor();
      await page.locator('[data-tile=calls]:not([data-old])').waitFor();
      await page.locator('.histogram-frame:not([data-loading])').waitFor();
    },
    async [Symbol.asyncDispose]() {
      lastSight = await page.screenshot({ scale: 'css' }).catch(() => undefined);
      await context.close();
      assert.deepEqual(complaints, [], 'the console has no errors');
      assert.deepEqual(foreign, [], 'nothing is asked for elsewhere');
    },
  };
}

/** Fails with what axe finds, by the rules of WCAG 2.2 A and AA and its best practices. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const results = await axe.run(document, { runOnly: { type: 'tag', values: tags } });
    return results.violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      nodes: nodes.slice(0, 5).map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`),
    }));
  });
  assert.deepEqual(violations, [], `axe finds nothing in ${what}`);
}

/** Kept as an artefact of the run. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(artefacts, `${name}.png`), animations: 'disabled', caret: 'hide' });
}
