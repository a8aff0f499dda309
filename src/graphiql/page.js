// The page around GraphiQL, in the browser: the token, the fetcher, links, and how fresh an answer was.
import { createExamples } from './examples.ts';
import { openTabs, readLink, writeLink } from './tabs.ts';

const ENDPOINT = location.pathname;
const TOKEN = 'cdr-gateway:token';
const TABS = 'graphiql:tabState';
/** Proxies and mail programs cut longer addresses. */
const MAX_LINK = 8000;

const element = (id) => document.getElementById(id);
const [root, access, token, viewer, freshness, copy, link, copied] = [
  'root',
  'access',
  'token',
  'viewer',
  'freshness',
  'copy',
  'link',
  'copied',
].map(element);

/** Resolves when there is a token: the schema is not requested before. */
let signedIn = Promise.withResolvers();

/** What the active tab holds, for its link. */
const active = { query: '', variables: '' };

function openPage() {
  const examples = createExamples({
    now: new Date(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC',
    accountId: root.dataset.account,
  });
  const state = openTabs(localStorage.getItem(TABS), examples, readLink(location.search));
  localStorage.setItem(TABS, JSON.stringify(state));
  // Reloading must not open the link over what was edited since, and a number need not stay in the address.
  history.replaceState(null, '', ENDPOINT);
  showTab(state);
  globalThis.YogaGraphiQL.renderYogaGraphiQL(root, {
    fetcher,
    initialQuery: active.query,
    initialVariables: active.variables,
    shouldPersistHeaders: false,
    // Variables and headers are folded away until there are some.
    defaultEditorToolsVisibility: active.variables ? 'variables' : undefined,
    onTabChange: showTab,
    onEditQuery: (query) => Object.assign(active, { query }),
    onEditVariables: (variables) => Object.assign(active, { variables }),
  });
}

function showTab({ tabs, activeTabIndex }) {
  const { query, variables } = tabs[activeTabIndex];
  Object.assign(active, { query: query ?? '', variables: variables ?? '' });
}

/** GraphiQL's way to the gateway. The schema is requested as soon as there is a token. */
async function fetcher({ query, variables, operationName }, { headers } = {}) {
  if (operationName === 'IntrospectionQuery') await signedIn.promise;
  const result = await ask({ query, variables, operationName: nameIn(query, operationName) }, headers);
  const replica = result.extensions?.replica;
  if (replica) freshness.textContent = describeFreshness(replica);
  return result;
}

/** Just after another tab was opened, GraphiQL still gives the name of the operation in the tab before. */
function nameIn(query, operationName) {
  const isThere = new RegExp(`\\b(query|mutation|subscription)\\s+${operationName}\\b`).test(query);
  return isThere ? operationName : undefined;
}

async function ask(body, headers = {}) {
  const held = sessionStorage.getItem(TOKEN);
  if (!held) {
    token.focus();
    return { errors: [{ message: 'Enter your access token above; every request needs one.' }] };
  }
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      authorization: `Bearer ${held}`,
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const isJson = response.headers.get('content-type')?.includes('json');
  if (isJson) return response.json();
  return { errors: [{ message: `The gateway answered ${response.status} ${response.statusText}.` }] };
}

function describeFreshness({ name, asOf, stalenessSeconds }) {
  const age = stalenessSeconds === null ? 'age unknown' : `at most ${stalenessSeconds.toFixed(1)} s old`;
  const time = asOf === null ? '' : `, as of ${asOf.slice(11, 19)} UTC`;
  return `${name}: ${age}${time}`;
}

/** Tells whose token it is, and lets GraphiQL read the schema with it. */
async function signIn() {
  viewer.textContent = 'Checking…';
  const { data, errors } = await ask({ query: '{ viewer { name role maxPage } }' }).catch((error) => ({
    errors: [error],
  }));
  viewer.classList.toggle('refused', !data?.viewer);
  if (!data?.viewer) {
    viewer.textContent = errors?.[0]?.message ?? 'No answer.';
    return;
  }
  const { name, role, maxPage } = data.viewer;
  const sees = role === 'ADMIN' ? 'every account' : 'own calls';
  viewer.textContent = `${name}: ${sees}, up to ${maxPage.toLocaleString('en')} at once`;
  refetchSchema();
}

/** The first time GraphiQL is waiting for it; later it has to be told. */
let hasSchema = false;
function refetchSchema() {
  if (hasSchema) document.querySelector('[aria-label^="Re-fetch GraphQL schema"]')?.click();
  hasSchema = true;
  signedIn.resolve();
}

access.addEventListener('submit', (event) => {
  event.preventDefault();
  const given = token.value.trim();
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    signIn();
  } else {
    signOut();
  }
});

function signOut() {
  sessionStorage.removeItem(TOKEN);
  signedIn = Promise.withResolvers();
  hasSchema = false;
  viewer.classList.remove('refused');
  viewer.textContent = 'No token.';
}

copy.addEventListener('click', async () => {
  const address = writeLink(`${location.origin}${ENDPOINT}`, active);
  if (address.length > MAX_LINK) {
    copied.textContent = `This query is too long for a link (${address.length} characters).`;
    return;
  }
  copied.textContent = (await copyText(address)) ? 'Link copied.' : 'Copy this link:';
});

/** The clipboard's own interface is there only on a page with TLS, or of this machine. */
async function copyText(text) {
  link.hidden = true;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    link.hidden = false;
    link.value = text;
    link.select();
    return false;
  }
}

openPage();
if (sessionStorage.getItem(TOKEN)) {
  token.value = sessionStorage.getItem(TOKEN);
  signIn();
} else {
  viewer.textContent = 'Every request needs a token.';
  token.focus();
}
