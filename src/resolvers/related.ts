import type { CdrRow } from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import { cdrColumns } from '../db/sources/cdr-columns.ts';
import { ReplicaFailureError } from '../errors.ts';
import type {
  FindNow,
  Found,
  RelatedFinder,
  RelatedName,
  RelatedPlan,
} from '../streaming/related-objects.ts';
import type { Loaders } from './loaders.ts';
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

/** Customers that are remembered: accounts have them in common, and each account is looked up once. */
const MAX_LOADED = 10_000;
/** Standbys that are tried for one look-up. */
const MAX_ATTEMPTS = 3;

/** Where a standby fails, the look-up goes on with the next, as the list does. */
export function createRelatedFinder(deps: RelatedFinderDeps): RelatedFinder {
  let loaded = 0;

  async function attempt(
    name: RelatedName,
    keys: readonly string[],
    left: number,
  ): Promise<readonly (Found | Error)[]> {
    const loaders = deps.nestedLoaders();
    const failed = relations[name].readsStandby ? await deps.reader({ isNested: true }) : undefined;
    const found = await relations[name].loadMany(loaders, keys);
    const failure = found.find((each) => each instanceof ReplicaFailureError);
    if (!failure || !failed || left === 0) return found;
    await deps.replaceReader(failed, failure);
    return attempt(name, keys, left - 1);
  }

  async function find(name: RelatedName, keys: readonly string[]): Promise<readonly (Found | Error)[]> {
    const { account, customer } = deps.nestedLoaders();
    account.clearAll();
    loaded += keys.length;
    if (loaded > MAX_LOADED) {
      customer.clearAll();
      loaded = keys.length;
    }
    try {
      return await attempt(name, keys, MAX_ATTEMPTS - 1);
    } catch (error) {
      return keys.map(() => error as Error);
    }
  }

  return { find, findNow: (name) => relations[name].findNow?.(deps.nestedLoaders()) };
}

/** The object that the call refers to. Throws UnreadableValueError when the key is none. */
export function loadRelated(
  name: RelatedName,
  row: CdrRow,
  { loaders }: { loaders(): Loaders },
): Promise<Found> | null {
  const { column, load } = relations[name];
  const key = shownValue({ wire: cdrColumns[column].wire, nullable: true }, row[column]);
  return key === null || key === '' ? null : load(loaders(), String(key));
}
