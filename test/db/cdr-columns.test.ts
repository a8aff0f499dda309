import { expect, test } from 'vitest';
import {
  type CdrColumn,
  type CdrColumnName,
  type CdrColumnOf,
  cdrColumn,
  cdrColumnNames,
  cdrColumns,
} from '../../src/db/sources/cdr-columns.ts';
import { sourceDefinitions } from '../../src/db/sources/sources.ts';
import { columnFields } from '../support/cdr-fields.ts';

test('a column that is declared otherwise than the table has it does not compile', () => {
  const right: CdrColumnOf<number | null> = cdrColumns.disconnect_cause;
  // @ts-expect-error: a number does not travel as text.
  const wrongWire: CdrColumnOf<number | null> = cdrColumns.cli;
  // @ts-expect-error: PostgreSQL's type is one of text.
  const wrongType: CdrColumnOf<number | null> = { ...cdrColumns.disconnect_cause, type: 'text' };
  // @ts-expect-error: the table may have null in it.
  const neverNull: CdrColumnOf<number | null> = { ...cdrColumns.disconnect_cause, nullable: false };
  const { isNumber: __, ...unsaid } = cdrColumns.region;
  // @ts-expect-error: a text says whether it is a number of a person, which not every role sees.
  const noRule: CdrColumnOf<string | null> = unsaid;
  const { cli: _, ...others } = cdrColumns;
  // @ts-expect-error: one column has no row.
  others satisfies Record<CdrColumnName, CdrColumn>;

  // The compiler refuses these, which `npm run check` shows; JavaScript does not mind.
  expect([right, wrongWire, wrongType, neverNull, noRule]).toHaveLength(5);
});

const WHO_SEES_NUMBERS = 'Whole with the permission `NUMBERS`, masked with `MASKED_NUMBERS`, otherwise null.';

test('every column has one field, which has its nullability and its meaning', () => {
  expect(columnFields.map(({ column }) => column).sort()).toEqual([...cdrColumnNames].sort());
  for (const { column, definition } of columnFields) {
    const { nullable, meaning, isNumber } = cdrColumn(column);
    expect(String(definition.type).endsWith('!')).toBe(!nullable);
    expect(definition.description).toBe(isNumber ? `${meaning} ${WHO_SEES_NUMBERS}` : meaning);
    expect(meaning).toMatch(/^[^|]+\.$/);
  }
});

test('what a source requires are columns of its first table', () => {
  const requiredBy = (name: 'xdrs' | 'sippy') =>
    cdrColumnNames.filter((column) => cdrColumn(column).requiredBy?.includes(name));
  expect(sourceDefinitions.xdrs.required).toEqual(
    Object.fromEntries(requiredBy('xdrs').map((name) => [name, cdrColumn(name).type])),
  );
  expect(Object.keys(sourceDefinitions.sippy.required)).toHaveLength(requiredBy('sippy').length);
  for (const name of requiredBy('sippy')) expect(cdrColumn(name).sippy?.stored?.table).toBe('cdrs');
});
