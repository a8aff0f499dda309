/** What pages offer: `customer` sees calls of their own accounts, `admin` those of all. */
export type ViewRole = 'customer' | 'admin';

/** Roles of the gateway whose members have something to see here: `grafana` may not list calls. */
const roles = ['admin', 'analyst', 'customer', 'account', 'support', 'finance'] as const;

/** What a token tells the gateway of its user, by the names that it looks for unless told others (`JWT_…_CLAIM`). */
export interface GatewayClaims {
  readonly cdr_role: (typeof roles)[number];
  /** Ids of accounts, or `all`. */
  readonly cdr_accounts?: 'all' | readonly string[];
  readonly cdr_customers?: readonly string[];
}

/**
 * The claims of an identity provider that are for the gateway. Undefined when they name none of the roles, or several. What
 * they say of accounts and customers is handed on as it is: the gateway judges it.
 */
export function readClaims(claims: Readonly<Record<string, unknown>>): GatewayClaims | undefined {
  const named = new Set([claims.cdr_role].flat().map((role) => String(role).toLowerCase()));
  const [role, ...others] = roles.filter((name) => named.has(name));
  if (role === undefined || others.length > 0) return undefined;
  const { cdr_accounts, cdr_customers } = claims as Partial<GatewayClaims>;
  return {
    cdr_role: role,
    ...(cdr_accounts != null && { cdr_accounts }),
    ...(cdr_customers != null && { cdr_customers }),
  };
}

/** Which pages are for these claims. */
export function viewRoleOf({ cdr_role, cdr_accounts }: GatewayClaims): ViewRole {
  if (cdr_role === 'admin' || cdr_role === 'analyst') return 'admin';
  return cdr_accounts === 'all' ? 'admin' : 'customer';
}

export function isMasked({ cdr_role }: GatewayClaims): boolean {
  return cdr_role === 'support' || cdr_role === 'finance';
}
