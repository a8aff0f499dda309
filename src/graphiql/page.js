// The page around GraphiQL, in the browser: the token, the fetcher, links, and how fresh an answer was.
import { headOf, readAnswer } from './answers.ts';
import { createExamples } from './examples.ts';
import { withoutHeaders } from './history.ts';
import { openTabs, readLink, writeLink } from './tabs.ts';

const ENDPOINT = location.pathname;
const TOKEN = 'cdr-gateway:token';
const TABS = 'graphiql:tabState';
/** Proxies and mail programs cut longer addresses. */
const MAX_LINK = 8000;
/** Bytes that are read in a moment. */
const LONG_ANSWER = 500_000;
/** Queries that the history keeps, beside those that are marked as favourites. */
const MAX_HISTORY = 100;

const element = (id) => document.getElementById(id);
const [root, access, token, viewer, freshness, copy, link, copied, download, shown] = [
  'root',
  'access',
  'token',
  'viewer',
  'freshness',
  'copy',
  'link',
  'copied',
  'download',
  'shown',
].map(element);

/** Resolves when there is a token: the schema is not requested before. */
let signedIn = Promise.withResolvers();

/** What the active tab holds, for its link. */
const active = { query: '', variables: '' };

function openPage() {
  const examples = createExamples({
    now: new Date(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC',
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
    storage: withoutHeaders(localStorage),
    maxHistoryLength: MAX_HISTORY,
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
  const isSchema = operationName === 'IntrospectionQuery';
  if (isSchema) await signedIn.promise;
  const answer = await ask({ query, variables, operationName: nameIn(query, operationName) }, headers);
  if (isSchema) return answer.shown;
  offerFile(answer.file);
  const replica = answer.shown.extensions?.replica;
  if (replica) freshness.textContent = describeFreshness(replica);
  return answer.shown;
}

/** The whole answer that is shown in part. */
let file;
function offerFile(offered) {
  file = offered;
  download.hidden = !file;
  shown.textContent = file?.note ?? '';
}

download.addEventListener('click', () => {
  const address = URL.createObjectURL(file.body);
  Object.assign(document.createElement('a'), { href: address, download: file.name }).click();
  // The browser has begun to read it by then, and goes on.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
});

/** Just after another tab was opened, GraphiQL still gives the name of the operation in the tab before. */
function nameIn(query, operationName) {
  const isThere = new RegExp(`\\b(query|mutation|subscription)\\s+${operationName}\\b`).test(query);
  return isThere ? operationName : undefined;
}

async function ask(body, given = {}) {
  const held = sessionStorage.getItem(TOKEN);
  if (!held) {
    token.focus();
    return refusal('Enter your access token above; every request needs one.');
  }
  const headers = new Headers({
    'content-type': 'application/json',
    accept: 'application/graphql-response+json, application/json',
    authorization: `Bearer ${held}`,
  });
  // In the place of ours, in whatever case they are written.
  for (const [name, value] of Object.entries(given)) headers.set(name, value);
  const response = await fetch(ENDPOINT, { method: 'POST', headers, body: JSON.stringify(body) });
  const head = headOf(response);
  // Files may be long, and need not be in memory; what is in a blob, tools that look at a page cannot show.
  const answered = head.isFile ? await response.blob() : new Blob([await response.arrayBuffer()]);
  const read = answered.size > LONG_ANSWER ? readBeside : readAnswer;
  return read(head, answered);
}

/** In another thread. */
async function readBeside(head, body) {
  const worker = new Worker(new URL('./answers.worker.js', import.meta.url), { type: 'module' });
  const { promise, resolve, reject } = Promise.withResolvers();
  worker.addEventListener('message', ({ data }) => resolve(data));
  worker.addEventListener('error', () => reject(new Error('The answer could not be read.')));
  worker.postMessage({ head, body });
  const { answer, failure } = await promise.finally(() => worker.terminate());
  if (answer) return answer;
  throw new Error(failure);
}

const refusal = (message) => ({ shown: { errors: [{ message }] } });

function describeFreshness({ name, asOf, stalenessSeconds }) {
  const age = stalenessSeconds === null ? 'age unknown' : `at most ${stalenessSeconds.toFixed(1)} s old`;
  const time = asOf === null ? '' : `, as of ${asOf.slice(11, 19)} UTC`;
  return `${name}: ${age}${time}`;
}

/** Tells whose token it is, and lets GraphiQL read the schema with it. */
async function signIn() {
  viewer.textContent = 'Checking…';
  const { shown: answer } = await ask({ query: '{ viewer { name role maxPage } }' }).catch(({ message }) =>
    refusal(message),
  );
  const { data, errors } = answer;
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
