import type { CdrFilter } from '../db/calls/cdr-filter.ts';
import type { CdrRow } from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import { accountsOfList, type Scope } from '../db/scope.ts';
import { cdrColumns } from '../db/sources/cdr-columns.ts';
import { ReplicaFailureError } from '../errors.ts';
import type {
  FindNow,
  Found,
  RelatedFinder,
  RelatedName,
  RelatedPlan,
} from '../streaming/related-objects.ts';
import { isLongWait, type Loaders, MAX_FAILURES } from './loaders.ts';
import { RecentKeys } from './recent-keys.ts';
import { shownValue } from './values.ts';

interface Relation extends Pick<RelatedPlan, 'name' | 'column'> {
  readonly readsStandby: boolean;
  load(loaders: Loaders, key: string): Promise<Found>;
  /** At each key's place the object, or why it cannot be had. */
  loadMany(loaders: Loaders, keys: readonly string[]): Promise<readonly (Found | Error)[]>;
  /** How they are found without loading. */
  findNow?(loaders: Loaders): FindNow | undefined;
}

/** By the value of which column a call refers to each of them, and how they are obtained. */
export const relations: { readonly [Name in RelatedName]: Relation & { readonly name: Name } } = {
  account: {
    name: 'account',
    column: 'i_account',
    readsStandby: true,
    load: ({ account }, key) => account.load(key),
    loadMany: ({ account }, keys) => account.loadMany(keys),
  },
  customer: {
    name: 'customer',
    column: 'i_customer',
    readsStandby: true,
    load: ({ customer }, key) => customer.load(key),
    loadMany: ({ customer }, keys) => customer.loadMany(keys),
  },
  carrier: {
    name: 'carrier',
    column: 'cld',
    readsStandby: false,
    load: ({ carrier }, number) => carrier.load(number),
    // As many as there are calls, and found in memory: to remember each would cost more than to find it.
    loadMany: ({ carriersOf }, numbers) => carriersOf(numbers),
    findNow: ({ findCarrierNow }) => findCarrierNow,
  },
};

export interface RelatedFinderDeps {
  nestedLoaders(): Loaders;
  reader(requirement: { readonly isNested: true }): Promise<Reader>;
  replaceReader(failed: Reader, error: unknown): Promise<Reader>;
}

/** Of the list whose objects are looked up. */
export interface RelatedFinderOptions {
  readonly source: Reader['source'];
  readonly scope: Scope;
  readonly size: number;
  readonly filter: CdrFilter;
}

/** Customers that are remembered: accounts have them in common, and each account is looked up once. */
const MAX_LOADED = 10_000;
/** Standbys that are tried for one look-up. */
const MAX_ATTEMPTS = 3;
/** A shorter list refers to few objects. */
const MIN_FORESEEN_SIZE = 1000;

/** Where a standby fails, the look-up goes on with the next, as the list does. */
export function createRelatedFinder(deps: RelatedFinderDeps, options: RelatedFinderOptions): RelatedFinder {
  let loaded = 0;
  /** Look-ups that failed one after the other, whatever standby they were tried on. */
  const failures = new Map<RelatedName, { readonly count: number; readonly error?: Error }>();

  function recentOf(name: RelatedName): RecentKeys | undefined {
    const { source, scope, size, filter } = options;
    const isOfSome = Array.isArray(accountsOfList(scope, filter.accountIds));
    if (size <= MIN_FORESEEN_SIZE || isOfSome || !relations[name].readsStandby) return undefined;
    return RecentKeys.of(source, scope, name);
  }

  async function attempt(
    name: RelatedName,
    keys: readonly string[],
    left: number,
  ): Promise<readonly (Found | Error)[]> {
    const loaders = deps.nestedLoaders();
    const failed = relations[name].readsStandby ? await deps.reader({ isNested: true }) : undefined;
    const found = await relations[name].loadMany(loaders, keys);
    const failure = found.find((each) => each instanceof ReplicaFailureError);
    // A lock is replayed by every standby, and each would be waited for.
    if (!failure || !failed || left === 0 || isLongWait(failure)) return found;
    await deps.replaceReader(failed, failure);
    return attempt(name, keys, left - 1);
  }

  async function find(name: RelatedName, keys: readonly string[]): Promise<readonly (Found | Error)[]> {
    recentOf(name)?.note(keys);
    const { account, customer } = deps.nestedLoaders();
    account.clearAll();
    loaded += keys.length;
    if (loaded > MAX_LOADED) {
      customer.clearAll();
      loaded = keys.length;
    }
    const { count, error } = failures.get(name) ?? { count: 0 };
    if (count >= MAX_FAILURES) return keys.map(() => error!);
    const found: readonly (Found | Error)[] = await attempt(name, keys, MAX_ATTEMPTS - 1).catch(
      (failure: Error) => keys.map(() => failure),
    );
    const failure = found.find((each): each is Error => each instanceof Error);
    failures.set(name, failure ? { count: count + 1, error: failure } : { count: 0 });
    return found;
  }

  return {
    find,
    findNow: (name) => relations[name].findNow?.(deps.nestedLoaders()),
    foresee: (name) => recentOf(name)?.list() ?? [],
  };
}

/** The object that the call refers to. Throws UnreadableValueError when the key is none. */
export function loadRelated(
  name: RelatedName,
  row: CdrRow,
  context: { loaders(): Loaders },
): Promise<Found> | null {
  return loadByKey(name, row[relations[name].column], context);
}

/** Whom the calls of a group are charged to, by the value they are grouped by; undefined where they are not. */
export function loadOwner(
  name: 'account' | 'customer',
  id: string | null | undefined,
  context: { loaders(): Loaders },
): Promise<Found> | null {
  return loadByKey(name, id ?? null, context);
}

function loadByKey(
  name: RelatedName,
  value: string | number | null,
  { loaders }: { loaders(): Loaders },
): Promise<Found> | null {
  const { column, load } = relations[name];
  const key = shownValue({ wire: cdrColumns[column].wire, nullable: true }, value);
  return key === null || key === '' ? null : load(loaders(), String(key));
}
