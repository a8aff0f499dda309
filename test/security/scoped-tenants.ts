import type { Principals } from '../../src/access/principals.ts';
import { type Role, scopeOf } from '../../src/access/roles.ts';
import type { Scope } from '../../src/db/scope.ts';
import type { Source, SourceName } from '../../src/db/sources/sources.ts';
import { UnauthenticatedError } from '../../src/errors.ts';
import type { ReplicasOptions } from '../../src/replicas/replicas.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';

/** Of each kind of scope, with each way to see numbers. A tenant's name is its token. */
export const scopedTenants: Readonly<Record<string, { readonly role: Role; readonly scope: Scope }>> = {
  'two-accounts': { role: 'ACCOUNT', scope: { kind: 'accounts', accountIds: ['14', '16'] } },
  'one-customer': { role: 'CUSTOMER', scope: { kind: 'customers', customerIds: ['3'] } },
  'busy-customer': { role: 'CUSTOMER', scope: { kind: 'customers', customerIds: ['6'] } },
  'support-of-accounts': { role: 'SUPPORT', scope: { kind: 'accounts', accountIds: ['14', '15'] } },
  'finance-of-customers': { role: 'FINANCE', scope: { kind: 'customers', customerIds: ['4', '5'] } },
  'no-account': { role: 'ACCOUNT', scope: { kind: 'accounts', accountIds: [] } },
};
export const tenantNames = Object.keys(scopedTenants);

/** The token that sees everybody's calls. */
export const EVERYBODY = 'everybody';

export const scopedPrincipals: Principals = {
  async authenticate({ authorization }) {
    const name = authorization?.slice('Bearer '.length) ?? '';
    const all = { role: 'ADMIN', scope: { kind: 'all' } } as const;
    const tenant = name === EVERYBODY ? all : scopedTenants[name];
    if (!tenant) throw new UnauthenticatedError();
    return { name, role: tenant.role, scope: scopeOf(tenant.role, tenant.scope), maxPage: 50_000 };
  },
};

export interface OpenOptions {
  readonly source?: SourceName;
  readonly settings?: Readonly<Record<string, string>>;
  readonly tuning?: Partial<ReplicasOptions>;
  /** Calls are read from what this makes of the source. */
  readonly plantSource?: (source: Source) => Source;
}

/** A gateway for all of them, over the first standby. */
export function openForTenants(
  { replicaUrls }: Pick<TestDatabase, 'replicaUrls'>,
  { source = 'xdrs', settings, tuning, plantSource }: OpenOptions = {},
): Promise<TestGateway> {
  return createTestGateway(
    { replicaUrls: [replicaUrls[0]!] },
    {
      principals: scopedPrincipals,
      settings: { RATE_LIMIT: '0', STATEMENT_TIMEOUT: '30', CDR_SOURCE: source, ...settings },
      ...(tuning && { tuning }),
      ...(plantSource && { plantSource }),
    },
  );
}
