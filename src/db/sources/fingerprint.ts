import { hash } from 'node:crypto';
import { Statement } from '../statement.ts';
import type { Source } from './model.ts';

const bySource = new WeakMap<Source, string>();

/**
 * A short text that differs where the same rows would be read in another way: from other tables, or columns that have
 * come, gone or changed their type since the catalogue was read. The same on every gateway.
 */
export function fingerprintOf(source: Source): string {
  const known = bySource.get(source);
  if (known !== undefined) return known;
  const made = hash('sha256', textsOf(source).join('\n'), 'base64url').slice(0, 16);
  bySource.set(source, made);
  return made;
}

function textsOf(source: Source): readonly string[] {
  const scope = { kind: 'all' } as const;
  const { accounts, customers } = source;
  const statements = [
    Statement.build({ source, scope }, 'calls', (relations) => relations.cdrs().selectAll()),
    accounts &&
      Statement.build({ source, scope }, 'accounts', (relations) =>
        relations.selectFrom(relations.open(accounts)).selectAll(),
      ),
    customers &&
      Statement.build({ source, scope }, 'customers', (relations) =>
        relations.selectFrom(relations.open(customers)).selectAll(),
      ),
  ];
  const shape = JSON.stringify([
    source.name,
    source.encoding,
    source.missing,
    [...source.shownFromText],
    [...source.gone],
    source.hasUniqueAccounts,
  ]);
  return [shape, ...statements.map((statement) => statement?.bind(scope).text ?? '')];
}
