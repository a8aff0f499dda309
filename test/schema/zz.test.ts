import { expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { createTestGateway } from '../support/gateway.ts';
import { createTestDatabase } from '../support/postgres.ts';
test('csv', async () => {
  await using database = await createTestDatabase();
  await database.insertXdrs([anXdr()]);
  await using gateway = await createTestGateway(database);
  const r = await gateway.ask('{ cdrs { nodes { id cli } } }', {}, { headers: { accept: 'text/csv' } });
  console.log(r.status, [...r.headers], await r.text());
});
