import { type GatewayClaims, isMasked, type ViewRole, viewRoleOf } from './gateway-claims.ts';

/** Who is signed in. */
export interface User {
  /** Unlike that of anybody else, whoever vouches for them. */
  readonly id: string;
  /** As it is shown. */
  readonly name: string;
  /** What the gateway holds them to: role, and whose calls they see. */
  readonly claims: GatewayClaims;
  /** What the pages offer them: `customer` sees calls of their own, `admin` those of all. */
  readonly role: ViewRole;
  /** True: numbers come without their middle, if at all, and nothing can be downloaded. */
  readonly masked: boolean;
  /** Country of the numbers that they type without one; undefined: that of the site. */
  readonly countryCode?: string;
}

/** A user of the settings, who signs in by a password. */
export interface LocalUser extends User {
  /** Plain text, or what `npm run hash-password` prints. */
  readonly password: string;
}

/** A user with these claims; undefined when they are for no page of ours. */
export function userOf(
  who: Pick<User, 'id' | 'name' | 'countryCode'>,
  claims: GatewayClaims,
): User | undefined {
  const role = viewRoleOf(claims);
  return role && { ...who, claims, role, masked: isMasked(claims) };
}

/** Throws an Error that names the first thing wrong. */
export function parseUsers(text: string): readonly LocalUser[] {
  const users = parseList(text).map(parseUser);
  const twice = users.find(({ name }, index) => users.findIndex((other) => other.name === name) !== index);
  if (twice) throw new Error(`the name "${twice.name}" is there twice`);
  return users;
}

function parseList(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('not JSON');
  }
  if (!Array.isArray(value) || value.length === 0) throw new Error('expected a list of at least one user');
  return value;
}

function parseUser(value: unknown, index: number): LocalUser {
  const {
    name,
    password,
    role,
    accountIds = [],
    customerIds = [],
    masked = false,
    countryCode,
  } = (value ?? {}) as Record<string, unknown>;
  const where = `user ${index + 1}`;
  if (typeof name !== 'string' || !/^[\w.@+-]{1,64}$/.test(name))
    throw new Error(`${where}: "name" is missing`);
  if (typeof password !== 'string' || password === '') throw new Error(`${where}: "password" is missing`);
  if (role !== 'customer' && role !== 'admin') throw new Error(`${where}: "role" is customer or admin`);
  if (!isIdList(accountIds)) throw new Error(`${where}: "accountIds" is a list of ids`);
  if (!isIdList(customerIds)) throw new Error(`${where}: "customerIds" is a list of ids`);
  if (role === 'customer' && (accountIds.length === 0) === (customerIds.length === 0))
    throw new Error(`${where}: a customer needs "accountIds" or "customerIds", and not both`);
  if (countryCode !== undefined && (typeof countryCode !== 'string' || !isCountryCode(countryCode))) {
    throw new Error(`${where}: "countryCode" is a calling code such as "33"`);
  }
  const owners = role === 'admin' ? undefined : { accountIds, customerIds };
  const who = { id: name, name, ...(countryCode !== undefined && { countryCode }) };
  return { ...userOf(who, claimsOf(owners, masked === true))!, password };
}

/** Without owners: everybody's calls. */
function claimsOf(
  owners: { readonly accountIds: readonly string[]; readonly customerIds: readonly string[] } | undefined,
  masked: boolean,
): GatewayClaims {
  if (!owners) return masked ? { cdr_role: 'support', cdr_accounts: 'all' } : { cdr_role: 'admin' };
  if (owners.customerIds.length > 0)
    return { cdr_role: masked ? 'support' : 'customer', cdr_customers: owners.customerIds };
  return { cdr_role: masked ? 'support' : 'account', cdr_accounts: owners.accountIds };
}

/** One to three digits, as ITU-T E.164 gives them to countries. */
export function isCountryCode(text: string): boolean {
  return /^[1-9]\d{0,2}$/.test(text);
}

function isIdList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string' && /^\d{1,19}$/.test(id));
}
