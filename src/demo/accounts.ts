import type { Accounts, Customers } from '../db/generated/model.ts';
import type { Terms } from './billing.ts';
import { copyTable, type FieldText, text } from './copy-lines.ts';
import { CORRIDOR_CURRENCY, type Corridor, corridors, type Home, homes } from './homes.ts';
import { type AccountKind, presets } from './presets.ts';
import type { Random } from './random.ts';
import { zipfWeights } from './random.ts';

/** A row of `customers`: it pays for one or several accounts. */
export interface Customer {
  readonly id: number;
  readonly name: string;
}

/** A row of `accounts`, and how it calls. */
export interface Account {
  readonly id: number;
  readonly customerId: number;
  readonly username: string;
  readonly currency: string;
  readonly timeZone: string;
  readonly blocked: boolean;
  readonly kind: AccountKind;
  /** Of all calls. */
  readonly share: number;
  readonly terms: Terms;
  readonly home: Home;
  /** Wholesale accounts only. */
  readonly corridor: Corridor | undefined;
}

export const customersTable = copyTable('customers', {
  i_customer: ({ id }) => String(id),
  name: ({ name }) => text(name),
} satisfies Record<keyof Customers, FieldText<Customer>>);

export const accountsTable = copyTable('accounts', {
  i_account: ({ id }) => String(id),
  i_customer: ({ customerId }) => String(customerId),
  username: ({ username }) => text(username),
  currency: ({ currency }) => currency,
  time_zone: ({ timeZone }) => timeZone,
  blocked: ({ blocked }) => String(blocked),
} satisfies Record<keyof Accounts, FieldText<Account>>);

/** The busiest account: about half of all calls, a dialler. */
export const HEAVY_ACCOUNT_ID = 1;

const ACCOUNTS = 100;
const CUSTOMERS = 36;
/** With a hundred accounts the first of them gets half of the traffic. */
const VOLUME_EXPONENT = 1.7;

/** Position in the order of volume decides the kind. */
const KINDS: readonly AccountKind[] = [
  'dialler',
  'conversational',
  'wholesale',
  'conversational',
  'conversational',
  'wholesale',
  'dialler',
  'conversational',
];

const FIRST_NAMES = [
  'Atlas',
  'Boréal',
  'Cobalt',
  'Delta',
  'Estuaire',
  'Fjord',
  'Garonne',
  'Horizon',
  'Indigo',
];
const LAST_NAMES = ['Telecom', 'Voix', 'Contact', 'Networks'];

/** Customers with their accounts, the busiest account first. The same for the same random numbers. */
export function createAccounts(random: Random): { customers: Customer[]; accounts: Account[] } {
  const customers = Array.from({ length: CUSTOMERS }, (_, index) => ({
    id: index + 1,
    name: `${FIRST_NAMES[index % FIRST_NAMES.length]} ${LAST_NAMES[Math.floor(index / FIRST_NAMES.length)]}`,
  }));
  const weights = zipfWeights(ACCOUNTS, VOLUME_EXPONENT);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const accounts = weights.map((weight, index) => createAccount(index, weight / total, random));
  return { customers, accounts };
}

function createAccount(index: number, share: number, random: Random): Account {
  const kind = KINDS[index % KINDS.length]!;
  const home = homes[index % homes.length]!;
  const corridor = kind === 'wholesale' ? corridors[random.below(corridors.length)]! : undefined;
  return {
    id: index + 1,
    customerId: (index % CUSTOMERS) + 1,
    username: `${kind === 'wholesale' ? 'trunk' : kind === 'dialler' ? 'dialler' : 'pbx'}-${String(index + 1).padStart(3, '0')}`,
    currency: corridor ? CORRIDOR_CURRENCY : home.currency,
    timeZone: corridor?.timeZone ?? home.timeZone,
    // Never a busy one: a blocked account that calls would be a strange sight.
    blocked: index > ACCOUNTS / 2 && random.chance(0.1),
    kind,
    share,
    terms: createTerms(kind, random),
    home,
    corridor,
  };
}

/** The kind's usual terms, with the variety that negotiations leave behind. */
function createTerms(kind: AccountKind, random: Random): Terms {
  const { terms } = presets[kind];
  const priceFactor = terms.priceFactor + random.below(120) - 60;
  if (kind === 'wholesale' && random.chance(0.3))
    return { ...terms, priceFactor, interval1: 60, intervalN: 60 };
  if (kind === 'conversational' && random.chance(0.3))
    return { ...terms, priceFactor, interval1: 30, intervalN: 6 };
  return { ...terms, priceFactor };
}
