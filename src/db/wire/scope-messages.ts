import { ownerIdsOf, type Scope } from '../scope.ts';
import { encodeExecution, encodeParse } from './bind-message.ts';

/**
 * PostgreSQL's own policies (0009_row_security) let through what belongs to the ids that the transaction has set.
 * `set_config` sets them for this transaction alone: what is sent with one Sync is one, whatever stands between the
 * gateway and the server, and the next statement on the connection begins without any. The conditions are never true, so
 * that no row comes before those of the statement.
 */
const preludes = {
  account: `select /* scope */ where set_config('cdr_gateway.accounts', $1, true) is null`,
  // Another role and not a condition for either: that would need columns which the indexes of accounts do not have.
  customer: `select /* scope */ where set_config('role', 'gateway_customers', true) is null
    or set_config('cdr_gateway.customers', $1, true) is null`,
  // The policies do not bind this role.
  everybody: `select /* scope */ where set_config('role', 'gateway_all', true) is null`,
};

/** To be sent before a statement, without a Sync in between. Nothing is prepared, so nothing can be of another session. */
export function encodeScope(scope: Scope): Buffer {
  const owners = ownerIdsOf(scope);
  const text = preludes[owners ? owners.by : 'everybody'];
  const values = owners ? [owners.ids] : [];
  return Buffer.concat([encodeParse('', text), encodeExecution({ statement: '', values, formats: [] })]);
}
