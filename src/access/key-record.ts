import type { StoredKey } from '../db/keys/api-keys.ts';
import type { Scope } from '../db/scope.ts';
import { isKeyId } from './api-key.ts';
import { Networks } from './networks.ts';
import { type Role, roleNames, roleTraits } from './roles.ts';

/** An API key, checked. */
export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Without what follows from the role: see `scopeOf`. */
  readonly owners: Scope;
  readonly digest: string;
  readonly networks: Networks;
  readonly maxPage: number | undefined;
  /** Milliseconds since 1970; infinity: it does not expire. */
  readonly expiresAt: number;
  readonly isRevoked: boolean;
}

/** A stored key that means nothing. Its message is a sentence for the terminal and the log. */
export class BadKeyError extends Error {
  override readonly name = 'BadKeyError';
}

const NAME = /^[\p{L}\p{N} ._@:+-]{1,64}$/u;

/** Throws BadKeyError: a key of which one part means nothing is no key, lest it be one of everybody. */
export function parseStoredKey(stored: StoredKey): KeyRecord {
  if (!isKeyId(String(stored.id))) throw new BadKeyError('A key has no id of ours.');
  const refuse = (problem: string) => new BadKeyError(`Key ${stored.id}: ${problem}`);
  if (!NAME.test(stored.name)) throw refuse('the name has 1 to 64 letters, digits, spaces and . _ @ : + -.');
  if (!/^[0-9a-f]{64}$/.test(stored.digest)) throw refuse('the digest is not 64 hexadecimal digits.');
  const role = roleNames.find((name) => name === stored.role.toUpperCase());
  if (!role)
    throw refuse(`there is no role "${stored.role.slice(0, 20)}". There are: ${roleNames.join(', ')}.`);
  try {
    return {
      id: stored.id,
      name: stored.name,
      role,
      owners: parseOwners(role, stored.scope, stored.scopeIds),
      digest: stored.digest,
      networks: new Networks(stored.networks),
      maxPage: stored.maxPage ?? undefined,
      expiresAt: stored.expiresAt === null ? Number.POSITIVE_INFINITY : parseInstant(stored.expiresAt),
      isRevoked: stored.revokedAt !== null,
    };
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

/** Whose calls a principal of this role is given. Throws BadKeyError. */
export function parseOwners(role: Role, scope: string, ids: readonly string[]): Scope {
  const { scopes } = roleTraits(role);
  const kind = scopes.find((each) => each === scope);
  if (!kind)
    throw new BadKeyError(
      `the role ${role} has the scope ${scopes.join(' or ')}, not "${scope.slice(0, 20)}".`,
    );
  const wrong = ids.find((id) => !/^-?\d{1,19}$/.test(id));
  if (wrong !== undefined)
    throw new BadKeyError(`"${wrong.slice(0, 40)}" is no id of an account or a customer.`);
  if (kind === 'all') {
    if (ids.length > 0) throw new BadKeyError('the scope "all" has no ids.');
    return { kind };
  }
  if (ids.length === 0) throw new BadKeyError(`the scope "${kind}" needs at least one id.`);
  return kind === 'accounts' ? { kind, accountIds: [...ids] } : { kind, customerIds: [...ids] };
}

function parseInstant(text: string): number {
  const millis = Date.parse(text);
  if (Number.isNaN(millis)) throw new BadKeyError(`"${text.slice(0, 40)}" is no instant.`);
  return millis;
}
