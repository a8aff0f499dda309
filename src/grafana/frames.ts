/**
 * What `/query` answers: Grafana's own JSON of a data frame, which keeps labels, units and nulls. Times are milliseconds
 * since 1970.
 */
export interface Frame {
  readonly schema: {
    readonly refId: string;
    readonly name?: string;
    readonly fields: readonly Field[];
    readonly meta?: { readonly notices: readonly Notice[] };
  };
  /** A column for each field. */
  readonly data: { readonly values: readonly (readonly Value[])[] };
}

export interface Field {
  readonly name: string;
  readonly type: 'time' | 'number' | 'string' | 'boolean';
  readonly labels?: Readonly<Record<string, string>>;
  readonly config?: { readonly displayNameFromDS?: string; readonly unit?: string };
}

/** Shown in the corner of the panel. */
export interface Notice {
  readonly severity: 'info' | 'warning';
  readonly text: string;
}

export type Value = string | number | boolean | null;

/** One line of a panel. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit?: string | undefined;
  readonly times: readonly number[];
  readonly values: readonly (number | string | null)[];
  readonly type?: 'number' | 'string';
}

export function seriesFrame(refId: string, series: Series, notices: readonly Notice[] = []): Frame {
  const { name, labels, unit, times, values, type = 'number' } = series;
  const config = { displayNameFromDS: name, ...(unit && { unit }) };
  const fields = [
    { name: 'Time', type: 'time' },
    { name: 'Value', type, labels, config },
  ] as const;
  return { schema: { refId, name, fields, ...buildMeta(notices) }, data: { values: [times, values] } };
}

export interface Column<Row> {
  readonly name: string;
  readonly type: Field['type'];
  readonly unit?: string;
  readonly of: (row: Row) => Value;
}

export function tableFrame<Row>(
  refId: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  notices: readonly Notice[] = [],
): Frame {
  const fields = columns.map(({ name, type, unit }) => ({ name, type, ...(unit && { config: { unit } }) }));
  const values = columns.map(({ of }) => rows.map(of));
  return { schema: { refId, fields, ...buildMeta(notices) }, data: { values } };
}

function buildMeta(notices: readonly Notice[]) {
  return notices.length > 0 ? { meta: { notices } } : {};
}
