/**
 * Settings that decide how values are read and written, and how statements run. Each session begins with these, so that
 * nothing an ALTER DATABASE or ALTER ROLE … SET has given it can change an answer.
 */
export const sessionSettings: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  timezone_abbreviations: 'Default',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  // Every digit that a binary fraction needs to be read back as it was.
  extra_float_digits: '1',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  // A role that is taken on by a setting has other privileges.
  role: 'none',
  row_security: 'on',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  default_transaction_read_only: 'on',
  idle_session_timeout: '0',
  client_min_messages: 'warning',
};
