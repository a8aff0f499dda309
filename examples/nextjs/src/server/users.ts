import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** `customer` sees calls of their own accounts, `admin` those of all. */
export type Role = 'customer' | 'admin';

/** Who may sign in. Comes from the server's settings: replace this by your own directory (README). */
export interface User {
  readonly name: string;
  /** Plain text, or what `npm run hash-password` prints. */
  readonly password: string;
  readonly role: Role;
  /** Of a customer, at least one. Of an admin, none: all. */
  readonly accountIds: readonly string[];
  /** Country of the numbers that they type without one; undefined: that of the site. */
  readonly countryCode?: string;
  /** True: numbers are shown without their middle, and nothing can be downloaded. */
  readonly masked: boolean;
}

/** What the password costs to check: some 60 ms and 16 MB. */
const COST = 16_384;
const KEY_BYTES = 32;

/** `scrypt:<salt>:<key>`, both in base64url. */
export function hashPassword(password: string): string {
  const salt = randomBytes(16);
  return `scrypt:${salt.toString('base64url')}:${keyOf(password, salt).toString('base64url')}`;
}

/** Takes as long for a wrong password as for a right one. */
export function isPassword(stored: string, given: string): boolean {
  const [kind, salt, key] = stored.split(':');
  if (kind === 'scrypt' && salt && key) {
    return equal(Buffer.from(key, 'base64url'), keyOf(given, Buffer.from(salt, 'base64url')));
  }
  const fixed = Buffer.alloc(16);
  return equal(keyOf(stored, fixed), keyOf(given, fixed));
}

/** Throws an Error that names the first thing wrong. */
export function parseUsers(text: string): readonly User[] {
  const list = parseList(text);
  const users = list.map(parseUser);
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

function parseUser(value: unknown, index: number): User {
  const {
    name,
    password,
    role,
    accountIds = [],
    masked = false,
    countryCode,
  } = (value ?? {}) as Record<string, unknown>;
  const where = `user ${index + 1}`;
  if (typeof name !== 'string' || !/^[\w.@+-]{1,64}$/.test(name))
    throw new Error(`${where}: "name" is missing`);
  if (typeof password !== 'string' || password === '') throw new Error(`${where}: "password" is missing`);
  if (role !== 'customer' && role !== 'admin') throw new Error(`${where}: "role" is customer or admin`);
  if (!isIdList(accountIds)) throw new Error(`${where}: "accountIds" is a list of ids`);
  if (role === 'customer' && accountIds.length === 0)
    throw new Error(`${where}: a customer needs "accountIds"`);
  if (countryCode !== undefined && (typeof countryCode !== 'string' || !isCountryCode(countryCode))) {
    throw new Error(`${where}: "countryCode" is a calling code such as "33"`);
  }
  return {
    name,
    password,
    role,
    accountIds: role === 'admin' ? [] : accountIds,
    masked: masked === true,
    ...(countryCode !== undefined && { countryCode }),
  };
}

/** One to three digits, as ITU-T E.164 gives them to countries. */
export function isCountryCode(text: string): boolean {
  return /^[1-9]\d{0,2}$/.test(text);
}

function isIdList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string' && /^\d{1,19}$/.test(id));
}

function keyOf(password: string, salt: Buffer): Buffer {
  return scryptSync(password.normalize('NFKC'), salt, KEY_BYTES, { N: COST });
}

function equal(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
