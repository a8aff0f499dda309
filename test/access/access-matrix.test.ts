import { readFileSync } from 'node:fs';
import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mayUse, type Permission } from '../../src/access/roles.ts';
import { isNumberDimension } from '../../src/db/calls/cdr-dimensions.ts';
import { choices, dimensions } from '../../src/grafana/call-query.ts';
import type { Frame } from '../../src/grafana/frames.ts';
import { metrics } from '../../src/grafana/metric-list.ts';
import { schema } from '../../src/schema/index.ts';
import { type EventClient, subscribe } from '../feed/event-client.ts';
import { corrected, deleted } from '../feed/known-calls.ts';
import { until } from '../gateway/served-gateway.ts';
import { type Caller, callers, tokenOf } from './callers.ts';
import { findRule, namesOf, namesWithRule, rulesOfFields, rulesOfGrafana } from './field-rules.ts';
import {
  ids,
  type Question,
  questions,
  selectionOf,
  unaskedRoots,
  type Whose,
} from './generated-questions.ts';
import {
  type GrafanaRequest,
  grafanaRequests,
  queryOf,
  requestsForNames,
  requestsForStandbys,
  requestsForValues,
  valuesByKey,
} from './grafana-requests.ts';
import {
  aForeignXdr,
  anOwnXdr,
  foreignMarks,
  type MatrixSite,
  openMatrixSite,
  SECRET,
} from './matrix-site.ts';
import {
  type Fields,
  findBreaches,
  findBreachesOfItems,
  findBreachesOfRecords,
  itemsOf,
  recordsOf,
} from './rule-breaches.ts';

/**
 * Every field of the schema, as every role, of its own, of somebody else's and of nobody's objects; the same of files,
 * subscriptions and Grafana. What is asked for comes from the schema, who is shown it from field-rules.ts.
 */
let site: MatrixSite;
/** What the administrator was answered, by its document. */
const seen = new Map<string, Fields>();
/** Fields of which the administrator was shown a value: of the others nothing is tried. */
const valued = new Set<string>();
/** Why standbys are as they are, which is nobody's business but that of who runs them. */
let reasons: readonly string[] = [];

const admin = callers.find(({ role }) => role === 'ADMIN')!;

interface Asked {
  readonly status: number;
  readonly text: string;
}

/** Without a token as a stranger does; without a body by GET. */
async function send(
  token: string | undefined,
  path: string,
  { body, accept = 'application/json' }: { readonly body?: unknown; readonly accept?: string } = {},
): Promise<Asked> {
  const { gateway } = site;
  const response = await gateway.fetch(
    new gateway.Request(`http://gateway${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        accept,
        ...(token && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  );
  return { status: response.status, text: await response.text() };
}

/** Of this type errors have a status of their own. */
const JSON_TYPE = 'application/graphql-response+json';
const post = (token: string | undefined, query: string, accept = JSON_TYPE) =>
  send(token, '/graphql', { body: { query }, accept });

/** Without what it says of the standby and of the cost. */
function resultOf({ text }: Asked): { readonly data?: Fields; readonly errors?: readonly Fields[] } {
  const { data, errors } = JSON.parse(text);
  return { data, ...(errors && { errors }) };
}

const mayAsk = ({ role }: Caller, needs: readonly Permission[]) => needs.every((each) => mayUse(role, each));

/** A position in the WAL, as PostgreSQL writes it. */
const LSN = /\b[\dA-F]{1,8}\/[\dA-F]{6,8}\b/;

/** Nothing that the caller must not be shown, wherever it stands. */
function expectNothingHidden(caller: Caller, text: string, what: string): void {
  if (!mayUse(caller.role, 'NUMBERS')) expect(text, what).not.toContain(SECRET);
  if (caller.scope === 'all') return;
  for (const mark of foreignMarks) expect(text, what).not.toContain(mark);
  for (const reason of reasons) expect(text, what).not.toContain(JSON.stringify(reason).slice(1, -1));
  expect(text, what).not.toMatch(LSN);
}

function expectRefused({ status, text }: Asked, what: string): void {
  expect(status, what).toBe(403);
  expect(text, what).toContain('"FORBIDDEN"');
}

function noteValues(type: GraphQLObjectType, object: Fields): void {
  for (const [name, value] of Object.entries(object)) {
    if (value === null) continue;
    valued.add(`${type.name}.${name}`);
    const below = getNamedType(type.getFields()[name]!.type);
    if (isObjectType(below)) for (const item of itemsOf(value)) noteValues(below, item);
  }
}

async function askAsAdministrator(question: Question): Promise<void> {
  for (const whose of question.whose) {
    const document = question.document(whose);
    const asked = await post(tokenOf(admin), document);
    expect(asked.status, asked.text).toBe(200);
    const { data, errors } = resultOf(asked);
    expect(errors, document).toBeUndefined();
    seen.set(document, data!);
    if (whose === 'own') for (const item of itemsOf(data![question.root])) noteValues(question.type, item);
  }
}

/** Until the standby that answers is known well, and the other one to be away. */
async function untilWatched(): Promise<void> {
  const document =
    '{ replicationStatus { replicas { reason upstreamLsn timeline } primary { lsn reason } } }';
  const look = async () => {
    const { replicationStatus } = resultOf(await post(tokenOf(admin), document)).data as {
      replicationStatus: { replicas: readonly Fields[]; primary: Fields | null };
    };
    const [answering, away] = replicationStatus.replicas;
    const { primary } = replicationStatus;
    reasons = [away!.reason, primary?.reason].filter(
      (reason): reason is string => typeof reason === 'string',
    );
    return [answering!.upstreamLsn, answering!.timeline, primary?.lsn, away!.reason].every(Boolean);
  };
  await until('standbys that are known', look);
}

beforeAll(async () => {
  site = await openMatrixSite();
  await untilWatched();
  for (const question of questions) await askAsAdministrator(question);
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

describe('rules', () => {
  const types = Object.values(schema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'),
  );

  test('there is one of each field, and of no other', () => {
    const fields = types.flatMap((type) =>
      Object.keys(type.getFields()).map((name) => `${type.name}.${name}`),
    );
    const ruled = Object.entries(rulesOfFields).flatMap(([type, rules]) =>
      namesWithRule(rules).map((name) => `${type}.${name}`),
    );
    expect(fields.filter((name) => !ruled.includes(name))).toEqual([]);
    expect(ruled.filter((name, index) => !fields.includes(name) || ruled.indexOf(name) < index)).toEqual([]);
    expect(unaskedRoots).toEqual([]);
  });

  test('that keep something from somebody are said in the description', () => {
    const said: Readonly<Record<string, RegExp>> = {
      NUMBERS: /`MASKED_NUMBERS`/,
      OPERATORS: /(Null|Empty) for principals that see a part of the calls/,
      ADMINISTRATORS: /only administrators see it/,
    };
    for (const type of types) {
      for (const { name, description } of Object.values(type.getFields())) {
        // Whose groups may be of numbers is refused or not by `groupBy`.
        if (type.name === 'CdrStatsRow') continue;
        const rule = findRule(rulesOfFields[type.name], name);
        for (const [of, words] of Object.entries(said)) {
          expect(words.test(description ?? ''), `${type.name}.${name}, ${of}`).toBe(rule === of);
        }
      }
    }
  });

  test('there is one of each metric, column and figure of Grafana, and of no other', async () => {
    const token = tokenOf(admin);
    const { metrics: ofMetrics, columns, history } = rulesOfGrafana;
    expect(namesWithRule(ofMetrics).toSorted()).toEqual(metrics.map(({ value }) => value).toSorted());
    const [table] = await framesOf(token, 'replication_status');
    expect(namesWithRule(columns).toSorted()).toEqual(
      table!.schema.fields.map(({ name }) => name).toSorted(),
    );
    const [row] = JSON.parse((await send(token, '/grafana/history')).text);
    expect(namesWithRule(history).toSorted()).toEqual(Object.keys(row).toSorted());
  });
});

/** Whose answer to the administrator a caller is to be given. */
function answerTo({ scope }: Caller, question: Question, whose: Whose): unknown {
  const of = whose === 'every' && scope !== 'all' ? 'own' : whose;
  return seen.get(question.document(of))![question.root];
}

/** What the caller is shown and should not be, or is not and should. */
async function tryQuestion(caller: Caller, question: Question, whose: Whose): Promise<readonly string[]> {
  const document = question.document(whose);
  const asked = await post(tokenOf(caller), document);
  expectNothingHidden(caller, asked.text, document);
  if (!mayAsk(caller, question.needs)) {
    expectRefused(asked, document);
    return [];
  }
  expect(asked.status, asked.text).toBe(200);
  const { data, errors } = resultOf(asked);
  expect(errors, document).toBeUndefined();
  const items = [itemsOf(answerTo(caller, question, whose)), itemsOf(data![question.root])] as const;
  return findBreachesOfItems(caller, question.type, items, `${question.name} of ${whose}`);
}

describe.each(callers)('$role of $scope', (caller) => {
  const isTenant = caller.scope !== 'all';
  const token = tokenOf(caller);

  const visible: readonly Whose[] = isTenant ? ['own', 'every'] : ['own', 'every', 'foreign'];
  test.each(visible)('is shown what the rules say: %s', async (whose) => {
    const breaches: string[] = [];
    for (const question of questions.filter((each) => each.whose.includes(whose))) {
      breaches.push(...(await tryQuestion(caller, question, whose)));
    }
    expect(breaches).toEqual([]);
  });

  test.each(['text/csv', 'application/x-ndjson'])('is given the same as a file: %s', async (accept) => {
    for (const { name, file, type } of files) {
      const { needs } = questions.find((each) => each.name === name)!;
      for (const whose of ['own', 'every'] as const) {
        const asked = await post(token, file(whose), accept);
        expectNothingHidden(caller, asked.text, name);
        if (!mayAsk(caller, needs)) {
          expectRefused(asked, name);
          continue;
        }
        expect(asked.status, asked.text).toBe(200);
        const reference = await post(tokenOf(admin), file(isTenant ? 'own' : whose), accept);
        const rows = [recordsOf(reference.text, accept), recordsOf(asked.text, accept)] as const;
        expect(rows[0].length).toBeGreaterThan(0);
        expect(findBreachesOfRecords(caller, type, rows, name)).toEqual([]);
      }
      if (!isTenant) continue;
      const [foreign, absent] = [
        await post(token, file('foreign'), accept),
        await post(token, file('absent'), accept),
      ];
      expect(foreign).toEqual(absent);
    }
  });

  test('is told the state of the standbys as it may see it', async () => {
    const type = schema.getType('ReplicationStatus') as GraphQLObjectType;
    const document = `{ replicationStatus${selectionOf(type)} }`;
    await using client = await subscribe(site.gateway.fetch, `subscription ${document}`, { token });
    await client.until(({ events }) => events.length > 0, 60);
    const { data, text } = client.events[0]!;
    expectNothingHidden(caller, text, document);
    const [reference] = itemsOf(seen.get(document)!.replicationStatus);
    expect(findBreaches(caller, type, reference!, data.data.replicationStatus)).toEqual([]);
  });
});

test.each(callers.filter(({ scope }) => scope !== 'all'))(
  '$role of $scope is answered of what is foreign as of what is not there',
  async (caller) => {
    const token = tokenOf(caller);
    for (const question of questions.filter((each) => each.whose.includes('foreign'))) {
      const foreign = await post(token, question.document('foreign'));
      const absent = await post(token, question.document('absent'));
      expectNothingHidden(caller, foreign.text, question.name);
      expect(foreign.status, question.name).toBe(absent.status);
      const [one, other] = [foreign, absent].map((asked) => JSON.stringify(resultOf(asked)));
      expect(one, question.name).toBe(other);
    }
  },
);

interface ListFile {
  /** Of the question whose list it is. */
  readonly name: string;
  readonly type: GraphQLObjectType;
  file(whose: Whose): string;
}

/** The lists that are files, with everything that a record can have. */
const files: readonly ListFile[] = [
  { name: 'cdrs.nodes', type: schema.getType('Cdr') as GraphQLObjectType },
  { name: 'cdrStats.rows', type: schema.getType('CdrStatsRow') as GraphQLObjectType },
].map(({ name, type }) => ({
  name,
  type,
  file: (whose: Whose) => questions.find((each) => each.name === name)!.document(whose),
}));

describe('strangers', () => {
  test.each([undefined, 'wrong'])('are answered alike whatever they ask for: %s', async (token) => {
    const answers = new Set<string>();
    const note = ({ status, text }: Asked) => {
      expect(status, text).toBe(401);
      answers.add(resultCode(text));
    };
    for (const question of questions) note(await post(token, question.document('own')));
    for (const { file } of files) note(await post(token, file('own'), 'text/csv'));
    for (const { path, body } of grafanaRequests) note(await send(token, path, { body }));
    const type = schema.getType('CdrFeed') as GraphQLObjectType;
    const document = `subscription { cdrs${selectionOf(type)} }`;
    expect([...answers]).toEqual(['UNAUTHENTICATED']);
    const { text } = await post(token, document, 'text/event-stream');
    expect(text).toContain('"UNAUTHENTICATED"');
    expect(text).not.toContain('"inserted"');
  });

  function resultCode(text: string): string {
    const { errors, error } = JSON.parse(text);
    return errors?.[0].extensions.code ?? error.code;
  }
});

const askGrafana = (token: string, { path, body }: GrafanaRequest) => send(token, path, { body });

/** What the administrator is answered, asked once. */
const drawn = new Map<string, Promise<Asked>>();
function drawnForAdministrator(request: GrafanaRequest): Promise<Asked> {
  const key = JSON.stringify(request);
  const known = drawn.get(key) ?? askGrafana(tokenOf(admin), request);
  drawn.set(key, known);
  return known;
}

async function framesOf(token: string, target: string): Promise<readonly Frame[]> {
  const asked = await askGrafana(token, queryOf(target));
  expect(asked.status, asked.text).toBe(200);
  return JSON.parse(asked.text);
}

/** Every text and number in an answer. */
function leavesOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.values(value).flatMap(leavesOf);
}

test('every route of Grafana is tried', () => {
  const source = readFileSync('src/grafana/routes.ts', 'utf8');
  const routes = new Set([...source.matchAll(/'(\/grafana(?:\/[a-z-]+)?)'/g)].map(([, path]) => path!));
  const tried = new Set(grafanaRequests.map(({ path }) => path.split('?')[0]!));
  expect([...tried].toSorted()).toEqual([...routes].toSorted());
  expect(choices.map(({ key }) => key).toSorted()).toEqual(Object.keys(valuesByKey).toSorted());
});

describe.each(callers)('by Grafana $role of $scope', (caller) => {
  const isTenant = caller.scope !== 'all';
  const token = tokenOf(caller);

  test.each(choices)('is offered the values of its own calls: $key', async ({ key, variable }) => {
    const [own, foreign] = valuesByKey[key]!;
    for (const request of requestsForValues(key, variable)) {
      const asked = await askGrafana(token, request);
      expect(asked.status, asked.text).toBe(200);
      expectNothingHidden(caller, asked.text, request.path);
      const offered = leavesOf(JSON.parse(asked.text));
      expect(offered, request.path).toContain(own);
      expect(offered.includes(foreign), `${request.path}: ${asked.text}`).toBe(!isTenant);
    }
  });

  test('is drawn the statistics of its own calls, and of nobody else', async () => {
    const ofCalls = metrics.filter(({ value }) => value.startsWith('calls_')).map(({ value }) => value);
    const asked = [
      ...ofCalls.map((value) => ({ value, payload: {}, needs: needsOf(value) })),
      ...dimensions.map(({ name }) => ({
        value: 'calls_table',
        payload: { groupBy: name },
        needs: [...needsOf('calls_table'), ...(isNumberDimension(name) ? (['NUMBERS'] as const) : [])],
      })),
    ];
    for (const { value, payload, needs } of asked) {
      const requestOf = (account?: string) => queryOf(value, { ...payload, ...(account && { account }) });
      const ask = (account?: string) => askGrafana(token, requestOf(account));
      const [own, every] = [await ask(ids.own.Account), await ask()];
      for (const { text } of [own, every]) expectNothingHidden(caller, text, value);
      if (!mayAsk(caller, needs)) {
        expectRefused(own, value);
        expectRefused(every, value);
        continue;
      }
      const ofOwn = requestOf(ids.own.Account);
      expect(own, value).toEqual(await drawnForAdministrator(ofOwn));
      expect(every, value).toEqual(await drawnForAdministrator(isTenant ? ofOwn : requestOf()));
      if (isTenant) expect(await ask(ids.foreign.Account)).toEqual(await ask(ids.absent.Account));
    }
  });

  test('is drawn the standbys as it may see them', async () => {
    for (const name of namesOf(rulesOfGrafana.metrics, 'OPERATORS')) {
      const values = (await framesOf(token, name)).flatMap(({ data }) => data.values[1]!);
      expect(
        values.some((value) => value !== null),
        name,
      ).toBe(!isTenant);
    }
    const [table] = await framesOf(token, 'replication_status');
    for (const [index, { name }] of table!.schema.fields.entries()) {
      if (findRule(rulesOfGrafana.columns, name) !== 'OPERATORS') continue;
      expect(
        table!.data.values[index]!.some((value) => value !== null),
        name,
      ).toBe(!isTenant);
    }
    const rows: readonly Fields[] = JSON.parse((await askGrafana(token, { path: '/grafana/history' })).text);
    for (const name of namesOf(rulesOfGrafana.history, 'OPERATORS')) {
      expect(
        rows.some((row) => row[name] !== null),
        name,
      ).toBe(!isTenant);
    }
    const ofStandbys = namesOf(rulesOfGrafana.metrics, 'MOMENT').map((name) => queryOf(name));
    for (const request of [...requestsForStandbys, ...ofStandbys]) {
      const asked = await askGrafana(token, request);
      expect(asked.status, asked.text).toBe(200);
      expectNothingHidden(caller, asked.text, request.path);
    }
  });

  test('is told what there is to ask for', async () => {
    for (const request of requestsForNames) {
      expect(await askGrafana(token, request)).toEqual(await drawnForAdministrator(request));
    }
  });
});

function needsOf(metric: string): readonly Permission[] {
  const rule = findRule(rulesOfGrafana.metrics, metric);
  return rule === 'AMOUNTS' ? ['STATISTICS', 'AMOUNTS'] : ['STATISTICS'];
}

describe('subscribers to calls', () => {
  const [own, foreign] = ['21', '29'] as const;
  const type = schema.getType('CdrFeed') as GraphQLObjectType;
  const document = `subscription { cdrs${selectionOf(type)} }`;
  const told = callers.filter(({ role }) => mayUse(role, 'CALLS'));
  const clients = new Map<Caller, EventClient>();

  const everyone = (isSo: (client: EventClient) => boolean) =>
    Promise.all([...clients.values()].map((client) => client.until(isSo, 60)));

  /** The foreign call first: who was told of the own one has been told, or not, of the other. */
  async function writeCalls(): Promise<void> {
    const { pool } = site.database;
    await site.database.insertXdrs([aForeignXdr(foreign, 3)]);
    await site.database.insertXdrs([anOwnXdr(own, 3)]);
    await everyone(({ ids: inserted }) => inserted.includes(own));
    for (const id of [foreign, own]) {
      await pool.query('update xdrs set charged_amount = charged_amount + 1 where i_xdr = $1', [id]);
    }
    await everyone((client) => corrected(client).some(({ id }) => id === own));
    for (const id of [foreign, own]) await pool.query('delete from xdrs where i_xdr = $1', [id]);
    await everyone((client) => deleted(client).includes(own));
  }

  /** Of a call, a departure, or an id. */
  const idOf = (item: string | { readonly id?: string; readonly cdrId?: string }) =>
    typeof item === 'string' ? item : (item.id ?? item.cdrId)!;

  /** What somebody was told of the calls that pass, in whichever messages; what comes twice counts once. */
  function toldOf(client: EventClient, passes: (id: string) => boolean = () => true): Fields {
    const lists = ['inserted', 'corrected', 'deletedIds', 'departures'].map((name) => {
      const items = client.messages.flatMap((message) => message[name]).filter((item) => passes(idOf(item)));
      const unique = [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
      return [name, unique.toSorted((one, other) => Number(idOf(one)) - Number(idOf(other)))];
    });
    return Object.fromEntries(lists);
  }

  beforeAll(async () => {
    for (const caller of told) {
      clients.set(caller, await subscribe(site.gateway.fetch, document, { token: tokenOf(caller) }));
    }
    await everyone(({ events }) => events.length > 0);
    await writeCalls();
    const client = clients.get(admin)!;
    noteValues(type, client.messages[0]);
    noteValues(type, toldOf(client));
  });
  afterAll(() => {
    for (const client of clients.values()) client.leave();
  });

  test.each(told)('are told what the rules say: $role of $scope', (caller) => {
    const isTenant = caller.scope !== 'all';
    const client = clients.get(caller)!;
    for (const { data, text } of client.events) {
      expect(data.errors, text).toBeUndefined();
      expectNothingHidden(caller, text, document);
    }
    const reference = toldOf(clients.get(admin)!, (id) => !isTenant || id === own);
    expect(reference.inserted).toHaveLength(isTenant ? 1 : 2);
    expect(findBreaches(caller, type, reference, toldOf(client))).toEqual([]);
  });

  test.each(callers.filter((each) => !told.includes(each)))(
    'are refused: $role of $scope',
    async (caller) => {
      const { text } = await post(tokenOf(caller), document, 'text/event-stream');
      expect(text).toContain('"FORBIDDEN"');
      expect(text).not.toContain('"inserted"');
    },
  );
});

test('of every field the administrator was shown a value, so that it was tried who else is', () => {
  /** Nothing is wrong here, and nothing is missing. */
  const valueless = ['FeedGap.message', 'FeedGap.reason', 'PrimaryStatus.reason', 'StandbySource.problem'];
  const ruled = Object.entries(rulesOfFields)
    .filter(([type]) => type !== 'Query' && type !== 'Subscription')
    .flatMap(([type, rules]) =>
      namesWithRule(rules)
        .filter((name) => !['MOMENT', 'SELF'].includes(findRule(rules, name)!))
        .map((name) => `${type}.${name}`),
    );
  expect(ruled.filter((name) => !valued.has(name)).toSorted()).toEqual(valueless);
});
