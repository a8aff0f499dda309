import type { ColumnDimensionName } from '../db/calls/cdr-dimensions.ts';
import type { GrafanaContext } from './context.ts';

/** The column and the label that say the name of an account or a customer. */
export const nameFields: Partial<Readonly<Record<ColumnDimensionName, string>>> = {
  ACCOUNT: 'username',
  CUSTOMER: 'customer_name',
};

/** The name of the account or customer with this id; null where it has none that the principal may see. */
export async function loadName(
  dimension: ColumnDimensionName,
  id: string,
  { loaders }: GrafanaContext['context'],
): Promise<string | null> {
  if (dimension === 'ACCOUNT') return (await loaders().account.load(id)).username;
  return dimension === 'CUSTOMER' ? (await loaders().customer.load(id)).name : null;
}
