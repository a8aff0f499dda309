import type { SourceDefinition } from '../sources/sources.ts';
import type { Catalogue, CatalogueTable } from './catalogue.ts';

/** By table, the columns that a source reads: what its role needs, and no more has to be granted. */
export type ColumnsRead = ReadonlyMap<string, readonly string[]>;

/**
 * Makes the source once as if its role might read every column, and notes which it looks for. Columns that are not
 * there are no part of the answer. The catalogue must have the source's first table.
 */
export function columnsRead(definition: SourceDefinition, catalogue: Catalogue): ColumnsRead {
  const { tables } = catalogue;
  const noted = new Map([...tables.values()].map((table) => [table.name, new NotingColumns(table)]));
  const whole = [...tables.values()].map((table): CatalogueTable => {
    return { ...table, columns: noted.get(table.name)!, hidden: new Map() };
  });
  definition.create({ ...catalogue, tables: new Map(whole.map((table) => [table.name, table])) });
  const required = Object.keys(definition.required);
  noted.get(definition.tables[0])?.note(required);
  return new Map([...noted].map(([table, columns]) => [table, columns.noted()]));
}

/** All columns of a table; remembers those that were looked for and are there. */
class NotingColumns extends Map<string, string> {
  readonly #noted = new Set<string>();

  constructor({ columns, hidden }: CatalogueTable) {
    super([...columns, ...hidden]);
  }

  override get(name: string): string | undefined {
    this.note([name]);
    return super.get(name);
  }

  override has(name: string): boolean {
    this.note([name]);
    return super.has(name);
  }

  note(names: readonly string[]): void {
    for (const name of names) if (super.has(name)) this.#noted.add(name);
  }

  /** In the order of the table. */
  noted(): readonly string[] {
    return [...this.keys()].filter((name) => this.#noted.has(name));
  }
}
