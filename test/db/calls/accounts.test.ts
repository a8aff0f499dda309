import { expect, test } from 'vitest';
import { selectAccounts, selectCustomers } from '../../../src/db/calls/accounts.ts';
import { checkSource } from '../../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../../src/db/reader.ts';
import { createTestDatabase } from '../../support/postgres.ts';

/** The catalogue is read now and then, so a statement may meet a table that was altered a moment ago. */
test.each([
  ['as they were', '', { username: 'one', blocked: true, name: 'two' }],
  ['a flag that is text', `alter table accounts alter column blocked type text`, { blocked: true }],
  [
    'a flag that is another text',
    `alter table accounts alter column blocked type text using 'no'`,
    { blocked: null },
  ],
  [
    'names that are no text',
    `alter table accounts alter column username type jsonb using '{"a": 1}';
     alter table customers alter column name type bytea using 'two'`,
    { username: '{"a": 1}', name: '\\x74776f' },
  ],
])(
  'accounts and customers whose columns have another type since are read: %s',
  async (_, alter, expected) => {
    await using database = await createTestDatabase({ empty: true });
    await database.pool.query(`
    create table xdrs (i_xdr bigint primary key, i_account bigint, connect_time timestamptz, duration numeric, charged_amount numeric);
    create table accounts (i_account bigint primary key, i_customer bigint, username text, blocked boolean);
    create table customers (i_customer bigint primary key, name text);
    insert into accounts values (1, 2, 'one', true); insert into customers values (2, 'two')`);
    const { source } = await checkSource(createDatabase(database.pool), 'xdrs');
    await database.pool.query(alter || 'select 1');
    const reader = { pool: database.pool, source, scope: { kind: 'all' }, signal: undefined } as const;
    const account = (await selectAccounts(reader, ['1'])).get('1');
    const customer = (await selectCustomers(reader, ['2'])).get('2');
    expect({ ...account, name: customer?.name }).toMatchObject(expected);
  },
);
