import { type ExpectedRows, expectedRows } from './expected-rows.ts';
import type { FuzzClient, Path, Principal } from './fuzz-client.ts';
import type { FuzzDatabase } from './fuzz-database.ts';
import type { RandomTables } from './random-table.ts';
import { assertSame } from './same.ts';

/** Values that cannot be shown are reported one by one up to here. */
const MAX_FAILURES = 100;
/** Fields that must have a value: a call without one is null as a whole, which would hide its other values. */
const REQUIRED = ['accountId', 'connectTime'];

/** Every value is the stored one, or named as unreadable, to everybody who may see it. */
export async function checkRows(
  client: FuzzClient,
  principals: readonly Principal[],
  stored: { readonly database: FuzzDatabase; readonly tables: RandomTables; readonly encoding: string },
): Promise<void> {
  const expected = await expectedRows(stored.database, stored.tables, stored.encoding);
  for (const principal of principals) {
    for (const path of ['streamed', 'executed'] as const) await checkPath(client, principal, path, expected);
  }
}

async function checkPath(
  client: FuzzClient,
  principal: Principal,
  path: Path,
  { fields, rows }: ExpectedRows,
): Promise<void> {
  const visible = principal.isAdmin
    ? rows
    : rows.filter(({ account }) => account !== null && principal.accounts.includes(Number(account)));
  const others = fields.filter((field) => !REQUIRED.includes(field));
  for (const list of [others, ...REQUIRED.map((field) => [field])]) {
    const query = `{ cdrs(first: 500) { nodes { ${list.join(' ')} } } }`;
    const { data, errors } = await client.quietAnswer(query, principal, path);
    const named = new Set(errors.map(({ path: place }) => place!.slice(2).join('.')));
    const actual = (data.cdrs.nodes as (Record<string, unknown> | null)[]).map((node) => node);
    let unreadable = 0;
    const wanted = visible.map(({ values }, index) => {
      if (values === null) {
        unreadable++;
        if (!named.has(String(index)) && unreadable <= MAX_FAILURES)
          throw new Error(`Row ${index} is not named, ${path}: ${query}`);
        return null;
      }
      const isVoid = list.some((field) => REQUIRED.includes(field) && values[field] == null);
      for (const field of list) {
        const isNamed = named.has(`${index}.${field}`);
        const isUnreadable = values[field] === undefined || isVoid;
        if (isUnreadable) unreadable++;
        if (isNamed !== isUnreadable && unreadable <= MAX_FAILURES) {
          throw new Error(
            `${field} of row ${index} is ${isNamed ? '' : 'not '}named as unreadable, ${path}: ` +
              `${JSON.stringify(values[field])} is stored. ${query}`,
          );
        }
      }
      return isVoid ? null : Object.fromEntries(list.map((field) => [field, values[field] ?? null]));
    });
    assertSame(actual, wanted, `${principal.name}, ${path}: ${query}`);
    assertSame(named.size, Math.min(unreadable, MAX_FAILURES), `${principal.name}, ${path}: ${query}`);
  }
}
