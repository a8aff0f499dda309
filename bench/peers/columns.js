/** The fifteen fields: name in the answer, column, GraphQL type. */
export const columns = [
  ['id', 'i_xdr', 'ID'],
  ['callId', 'call_id', 'String'],
  ['accountId', 'i_account', 'ID'],
  ['cli', 'cli', 'String'],
  ['cld', 'cld', 'String'],
  ['setupTime', 'setup_time', 'DateTime'],
  ['connectTime', 'connect_time', 'DateTime'],
  ['disconnectTime', 'disconnect_time', 'DateTime'],
  ['durationSeconds', 'duration', 'String'],
  ['billedSeconds', 'charged_quantity', 'Int'],
  ['chargedAmount', 'charged_amount', 'String'],
  ['disconnectCause', 'disconnect_cause', 'Int'],
  ['disconnectReason', 'disconnect_reason', 'String'],
  ['prefix', 'prefix', 'String'],
  ['country', 'country', 'String'],
];
