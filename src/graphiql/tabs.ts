/**
 * Which tabs GraphiQL opens with. This file runs in the browser. GraphiQL itself would lose the variables of a first
 * tab and of a link, so its stored state is written before it starts.
 */

/** A query from a link, with its variables as JSON text. */
export interface Link {
  readonly query: string;
  readonly variables: string;
}

/** As GraphiQL stores a tab; it takes no other shape. */
export interface Tab {
  readonly id: string;
  readonly hash: string;
  readonly title: string;
  readonly query: string | null;
  readonly variables: string | null;
  readonly headers: string | null;
  readonly operationName: string | null;
  readonly response: string | null;
}

export interface TabState {
  readonly activeTabIndex: number;
  readonly tabs: readonly Tab[];
}

/** What the address of the page holds; undefined when it is no link. */
export function readLink(search: string): Link | undefined {
  const parameters = new URLSearchParams(search);
  const query = parameters.get('query');
  return query ? { query, variables: parameters.get('variables') ?? '' } : undefined;
}

/** The address that opens this query with its variables. Never a token, never headers. */
export function writeLink(page: string, { query, variables }: Link): string {
  const parameters = new URLSearchParams({ query });
  if (variables.trim()) parameters.set('variables', variables);
  return `${page}?${parameters}`;
}

/**
 * The tabs of the last visit, or the examples; a link is opened beside them. An example that was not edited since is
 * renewed, so that its "last hour" is not yesterday's.
 */
export function openTabs(stored: string | null, examples: readonly string[], link?: Link): TabState {
  const { tabs, activeTabIndex } = parseState(stored) ?? createState(examples);
  const renewed = tabs.map((tab) => renew(tab, examples));
  if (!link) return { tabs: renewed, activeTabIndex };
  const known = renewed.findIndex(
    ({ query, variables }) => query === link.query && (variables ?? '') === link.variables,
  );
  if (known >= 0) return { tabs: renewed, activeTabIndex: known };
  return {
    tabs: [...renewed, createTab(link.query, link.variables, renewed.length)],
    activeTabIndex: renewed.length,
  };
}

function createState(examples: readonly string[]): TabState {
  return { tabs: examples.map((query, index) => createTab(query, '', index)), activeTabIndex: 0 };
}

function createTab(query: string, variables: string, index: number): Tab {
  const operationName = /^\s*(?:query|mutation|subscription)\s+(\w+)/m.exec(query)?.[1] ?? null;
  return {
    // Unique among the tabs of this browser; randomUUID is not there on a page without TLS.
    id: `${Date.now()}-${index}`,
    hash: hashTab(query, variables),
    title: operationName ?? '<untitled>',
    query,
    variables,
    headers: null,
    operationName,
    response: null,
  };
}

/** As GraphiQL makes it: by this it finds the tab that a link opens. */
function hashTab(query: string, variables: string): string {
  return [query, variables, ''].join('|');
}

function renew(tab: Tab, examples: readonly string[]): Tab {
  const timeless = withoutTimes(tab.query ?? '');
  const query = examples.find((example) => withoutTimes(example) === timeless);
  return query === undefined ? tab : { ...tab, query, hash: hashTab(query, tab.variables ?? '') };
}

function withoutTimes(query: string): string {
  return query.replaceAll(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/g, '""');
}

function parseState(stored: string | null): TabState | undefined {
  try {
    const state = JSON.parse(stored ?? '');
    const isWhole =
      Array.isArray(state.tabs) && state.tabs.every(isTab) && state.activeTabIndex in state.tabs;
    return isWhole ? state : undefined;
  } catch {
    return undefined;
  }
}

function isTab(tab: Partial<Tab> | null): boolean {
  return typeof tab?.id === 'string' && typeof tab.title === 'string';
}
