import type { Scope, ScopeKind } from '../db/scope.ts';
import { ForbiddenError } from '../errors.ts';

/** What a principal may do with the calls in its scope. Fields, filters, dimensions and measures name the one they need. */
export const permissions = {
  STATISTICS: 'Statistics of calls: `cdrStats`, and what Grafana draws.',
  CALLS: 'Calls one by one: `cdrs`, `cdr`, `node`, and files of them.',
  ACCOUNTS: 'Names, currencies and owners of the accounts that calls are charged to.',
  AMOUNTS: 'What calls were charged.',
  MASKED_NUMBERS: 'Numbers of calls without the digits that tell subscribers apart: `3361*****78`.',
  NUMBERS: 'Numbers of calls, whole, and filters, groups and look-ups by them.',
} as const;

export type Permission = keyof typeof permissions;

interface RoleTraits {
  readonly meaning: string;
  /** Whose calls a principal of this role may be given; the first where nothing else is said. */
  readonly scopes: readonly [ScopeKind, ...ScopeKind[]];
  readonly permissions: readonly Permission[];
}

const everything = Object.keys(permissions) as Permission[];
const everyScope = ['all', 'accounts', 'customers'] as const;

/** What kind of principal there is. */
export const roles = {
  ADMIN: { meaning: 'Sees the calls of every account.', scopes: ['all'], permissions: everything },
  CUSTOMER: {
    meaning: 'Sees the calls of its own customers, of whichever account.',
    scopes: ['customers'],
    permissions: everything,
  },
  ACCOUNT: { meaning: 'Sees the calls of its own accounts.', scopes: ['accounts'], permissions: everything },
  ANALYST: {
    meaning: 'Sees the calls of every account, by whichever operation.',
    scopes: ['all'],
    permissions: everything,
  },
  SUPPORT: {
    meaning: 'Sees calls with masked numbers, and cannot search by what is masked.',
    scopes: everyScope,
    permissions: ['STATISTICS', 'CALLS', 'ACCOUNTS', 'AMOUNTS', 'MASKED_NUMBERS'],
  },
  FINANCE: {
    meaning: 'Sees calls and what they were charged, without numbers.',
    scopes: everyScope,
    permissions: ['STATISTICS', 'CALLS', 'ACCOUNTS', 'AMOUNTS'],
  },
  GRAFANA: {
    meaning: 'Sees statistics and the state of the standbys, and no call.',
    scopes: everyScope,
    permissions: ['STATISTICS', 'ACCOUNTS', 'AMOUNTS'],
  },
} as const satisfies Record<string, RoleTraits>;

export type Role = keyof typeof roles;

export const roleNames = Object.keys(roles) as readonly Role[];

export const roleTraits = (role: Role): RoleTraits => roles[role];

export function mayUse(role: Role, permission: Permission): boolean {
  return roleTraits(role).permissions.includes(permission);
}

/** Throws ForbiddenError. `what` begins its sentence: "filter.cli", "Cdr.cli". */
export function checkPermission(
  { role }: { readonly role: Role },
  permission: Permission,
  what: string,
): void {
  if (mayUse(role, permission)) return;
  throw new ForbiddenError(
    `${what}: needs the permission ${permission}, which the role ${role} does not have. "viewer { permissions }" lists yours.`,
  );
}

/** The scope of a principal of this role with these owners: what its calls show follows from the role. */
export function scopeOf(role: Role, owners: Scope): Scope {
  if (mayUse(role, 'NUMBERS')) return owners;
  return { ...owners, numbers: mayUse(role, 'MASKED_NUMBERS') ? 'masked' : 'hidden' };
}

/** Ceiling of pages: by the role where nothing else says it. */
export function maxPageOfRole(
  role: Role,
  { adminMaxPage, accountMaxPage }: { readonly adminMaxPage: number; readonly accountMaxPage: number },
): number {
  return roleTraits(role).scopes.includes('accounts') || role === 'CUSTOMER' ? accountMaxPage : adminMaxPage;
}
