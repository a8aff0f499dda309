import { type ExpectedRows, visibleTo } from './expected-rows.ts';
import type { FuzzClient, Path, Principal } from './fuzz-client.ts';
import { assertSame } from './same.ts';

/** A stream names so many unreadable values one by one; the executor names all. */
const MAX_NAMED = { streamed: 100, executed: Number.POSITIVE_INFINITY } as const;
/** Fields that must have a value: a call without one is null as a whole, which would hide its other values. */
const REQUIRED = ['accountId', 'connectTime'];

/** Every value is the stored one, or named as unreadable, to everybody who may see it. */
export async function checkRows(
  client: FuzzClient,
  principals: readonly Principal[],
  expected: ExpectedRows,
): Promise<void> {
  for (const principal of principals) {
    for (const path of ['streamed', 'executed'] as const) await checkPath(client, principal, path, expected);
  }
}

async function checkPath(
  client: FuzzClient,
  principal: Principal,
  path: Path,
  expected: ExpectedRows,
): Promise<void> {
  const { fields } = expected;
  const visible = visibleTo(principal, expected);
  const others = fields.filter((field) => !REQUIRED.includes(field));
  for (const list of [others, ...REQUIRED.map((field) => [field])]) {
    const query = `{ cdrs(first: 500) { nodes { ${list.join(' ')} } } }`;
    const { data, errors } = await client.quietAnswer(query, principal, path);
    const named = new Set(errors.map(({ path: place }) => place!.slice(2).join('.')));
    const actual = (data.cdrs.nodes as (Record<string, unknown> | null)[]).map((node) => node);
    let unreadable = 0;
    const wanted = visible.map(({ isKeyless, values }, index) => {
      if (isKeyless) {
        unreadable++;
        if (!named.has(String(index)) && unreadable <= MAX_NAMED[path])
          throw new Error(`Row ${index} is not named, ${path}: ${query}`);
        return null;
      }
      const isVoid = list.some((field) => REQUIRED.includes(field) && values[field] == null);
      for (const field of list) {
        const isNamed = named.has(`${index}.${field}`);
        const isUnreadable = values[field] === undefined || isVoid;
        if (isUnreadable) unreadable++;
        if (isNamed !== isUnreadable && unreadable <= MAX_NAMED[path]) {
          throw new Error(
            `${field} of row ${index} is ${isNamed ? '' : 'not '}named as unreadable, ${path}: ` +
              `${JSON.stringify(values[field])} is stored. ${query}`,
          );
        }
      }
      return isVoid ? null : Object.fromEntries(list.map((field) => [field, values[field] ?? null]));
    });
    assertSame(actual, wanted, `${principal.name}, ${path}: ${query}`);
    assertSame(named.size, Math.min(unreadable, MAX_NAMED[path]), `${principal.name}, ${path}: ${query}`);
  }
}
