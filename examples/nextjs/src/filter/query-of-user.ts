import { withinLimits } from './gateway-limits.ts';
import type { PageQuery } from './page-query.ts';

/**
 * What of a link applies to the user who opens it, and can be answered: an administrator's link may name accounts and customers, which a
 * customer's session decides, and numbers, which are hidden from who sees them masked.
 */
export function queryOfUser(
  query: PageQuery,
  { role, masked }: { readonly role: 'customer' | 'admin'; readonly masked: boolean },
): PageQuery {
  return withinLimits({
    ...query,
    ...(role === 'customer' && { account: [], notAccount: [], customer: [] }),
    ...(masked && { search: [], cli: '', cld: '' }),
  });
}
