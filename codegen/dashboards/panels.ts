/**
 * The parts of Grafana's classic dashboards (schemaVersion 42) that ours are made of. A panel says its unit and what it
 * means, and shows what is unknown as unknown: there is no way to leave that out.
 */

export interface DataSource {
  readonly type: string;
  readonly uid: string;
}

export interface QueryTarget {
  readonly refId: string;
  readonly datasource: DataSource;
  readonly [option: string]: unknown;
}

/** A panel before it has a place. */
export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource?: DataSource;
  readonly targets?: readonly QueryTarget[];
  readonly fieldConfig?: { readonly defaults: FieldDefaults; readonly overrides: readonly Override[] };
  readonly options: object;
  readonly transformations?: readonly object[];
}

interface FieldDefaults {
  readonly unit: string;
  readonly noValue: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly color?: object;
  readonly displayName?: string;
  readonly mappings?: readonly object[];
  readonly thresholds?: object;
  readonly custom?: object;
}

interface Override {
  readonly matcher: { readonly id: string; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

interface Shown {
  readonly title: string;
  /** For an operator who sees the panel for the first time, at night. */
  readonly description: string;
  /** Grafana's id of the unit; "none" for plain numbers. */
  readonly unit: string;
  readonly targets: readonly [QueryTarget, ...QueryTarget[]];
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  /** Green below the first, then yellow, then red. */
  readonly thresholds?: readonly number[];
  /** Red below the first, then yellow, then green. */
  readonly isMoreBetter?: boolean;
  readonly mappings?: readonly object[];
  /** Of a series, in Grafana's notation. */
  readonly displayName?: string;
  readonly transformations?: readonly object[];
}

/** What a panel shows in place of an unknown value. */
const UNKNOWN = 'unknown';

export interface TimeSeriesOptions extends Shown {
  readonly isStacked?: boolean;
  readonly asBars?: boolean;
}

export function timeSeries(options: TimeSeriesOptions): Panel {
  const { isStacked = false, asBars = false, thresholds } = options;
  const custom = {
    drawStyle: asBars ? 'bars' : 'line',
    fillOpacity: asBars || isStacked ? 40 : 8,
    lineWidth: 1,
    showPoints: 'auto',
    // A gap is a time of which nothing is known.
    spanNulls: false,
    stacking: { group: 'A', mode: isStacked ? 'normal' : 'none' },
    thresholdsStyle: { mode: thresholds ? 'dashed' : 'off' },
    axisSoftMin: 0,
  };
  return panel('timeseries', options, custom, {
    legend: { calcs: ['lastNotNull', 'max'], displayMode: 'table', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
  });
}

export function stat(options: Shown & { readonly fields?: string; readonly isText?: boolean }): Panel {
  const { fields = '', isText = false } = options;
  return panel('stat', options, undefined, {
    colorMode: 'background',
    graphMode: 'none',
    justifyMode: 'auto',
    textMode: isText ? 'value' : 'auto',
    reduceOptions: { calcs: ['last'], fields, values: false },
  });
}

/** Several figures of one row, each with its name and unit. */
export function figures(options: Omit<TableOptions, 'sortBy'>): Panel {
  const { columns, ...shown } = options;
  const { fieldConfig, ...made } = stat({ ...shown, unit: 'none' });
  const { color: _, ...defaults } = fieldConfig!.defaults;
  return {
    ...made,
    fieldConfig: {
      defaults: { ...defaults, color: { mode: 'fixed', fixedColor: 'blue' } },
      overrides: columns.map(columnOverride),
    },
  };
}

export function barChart(options: Shown & { readonly xField: string }): Panel {
  return panel(
    'barchart',
    options,
    { fillOpacity: 80, lineWidth: 1 },
    {
      orientation: 'horizontal',
      showValue: 'auto',
      xField: options.xField,
      legend: { displayMode: 'list', placement: 'bottom', showLegend: false, calcs: [] },
      tooltip: { mode: 'single', sort: 'none' },
    },
  );
}

export function stateTimeline(options: Shown): Panel {
  return panel(
    'state-timeline',
    options,
    { fillOpacity: 80, lineWidth: 0, spanNulls: false },
    {
      mergeValues: true,
      showValue: 'auto',
      rowHeight: 0.8,
      legend: { displayMode: 'list', placement: 'bottom', showLegend: false, calcs: [] },
      tooltip: { mode: 'single', sort: 'none' },
    },
  );
}

/** How one column of a table is shown. */
export interface ColumnView {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly decimals?: number;
  readonly width?: number;
  readonly mappings?: readonly object[];
  readonly thresholds?: readonly number[];
}

export interface TableOptions {
  readonly title: string;
  readonly description: string;
  readonly targets: readonly [QueryTarget];
  readonly columns: readonly ColumnView[];
  readonly sortBy?: { readonly title: string; readonly isDescending: boolean };
}

export function table({ columns, sortBy, ...options }: TableOptions): Panel {
  const shown = { ...options, unit: 'none' };
  const { fieldConfig, ...made } = panel(
    'table',
    shown,
    { align: 'auto', cellOptions: { type: 'auto' } },
    {
      cellHeight: 'sm',
      showHeader: true,
      sortBy: sortBy ? [{ displayName: sortBy.title, desc: sortBy.isDescending }] : [],
    },
  );
  const order = Object.fromEntries(columns.map(({ name }, index) => [name, index]));
  const organize = { id: 'organize', options: { excludeByName: {}, indexByName: order, renameByName: {} } };
  return {
    ...made,
    fieldConfig: { defaults: fieldConfig!.defaults, overrides: columns.map(columnOverride) },
    transformations: [organize],
  };
}

function columnOverride({ name, title, unit, decimals, width, mappings, thresholds }: ColumnView): Override {
  const properties = [
    { id: 'displayName', value: title },
    { id: 'unit', value: unit },
    ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
    ...(width === undefined ? [] : [{ id: 'custom.width', value: width }]),
    ...(mappings ? [{ id: 'mappings', value: mappings }] : []),
    ...(thresholds ? [{ id: 'thresholds', value: createThresholds(thresholds, false) }] : []),
    ...(mappings || thresholds
      ? [{ id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } }]
      : []),
  ];
  return { matcher: { id: 'byName', options: name }, properties };
}

function panel(type: string, shown: Shown, custom: object | undefined, options: object): Panel {
  const { title, description, targets, transformations } = shown;
  return {
    type,
    title,
    description,
    datasource: targets[0].datasource,
    targets,
    fieldConfig: { defaults: createDefaults(type, shown, custom), overrides: [] },
    options,
    ...(transformations && { transformations }),
  };
}

function createDefaults(type: string, shown: Shown, custom: object | undefined): FieldDefaults {
  const { unit, decimals, min, max, thresholds, isMoreBetter = false, mappings, displayName } = shown;
  return {
    unit,
    noValue: UNKNOWN,
    ...(decimals !== undefined && { decimals }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(displayName !== undefined && { displayName }),
    ...(mappings && { mappings }),
    // A graph tells its lines apart by colour; one figure tells with it how bad it is.
    color: { mode: thresholds && type !== 'timeseries' ? 'thresholds' : 'palette-classic' },
    ...(thresholds && { thresholds: createThresholds(thresholds, isMoreBetter) }),
    ...(custom && { custom }),
  };
}

function createThresholds(values: readonly number[], isMoreBetter: boolean): object {
  const colours = isMoreBetter ? ['red', 'yellow', 'green'] : ['green', 'yellow', 'red'];
  const steps = [null, ...values].map((value, index) => ({ color: colours[index] ?? colours.at(-1), value }));
  return { mode: 'absolute', steps };
}

/** A value in a colour, as a mapping. */
export function valueMapping(colours: Readonly<Record<string, string>>): readonly object[] {
  const options = Object.fromEntries(
    Object.entries(colours).map(([value, color], index) => [value, { color, index }]),
  );
  return [{ type: 'value', options }];
}

/** A value in a colour, by another name. */
export function namedMapping(
  names: Readonly<Record<string, { readonly text: string; readonly color: string }>>,
): readonly object[] {
  const options = Object.fromEntries(
    Object.entries(names).map(([value, { text, color }], index) => [value, { text, color, index }]),
  );
  return [{ type: 'value', options }];
}
