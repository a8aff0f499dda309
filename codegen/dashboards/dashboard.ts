import type { DataSource, Panel } from './panels.ts';

/** Panels side by side, all of one height. */
export interface Row {
  readonly height: number;
  /** The whole width is 24; panels without a width of their own share what is left. */
  readonly panels: readonly (Panel | { readonly panel: Panel; readonly width: number })[];
  /** A line above it, which folds what follows. */
  readonly title?: string;
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly type: 'datasource' | 'query' | 'custom' | 'textbox';
  readonly [option: string]: unknown;
}

export interface DashboardOptions {
  /** Never changes: links lead to it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly variables: readonly Variable[];
  readonly annotations?: readonly object[];
  readonly rows: readonly Row[];
  /** "5s" where one watches, "1m" where one looks. */
  readonly refresh: string;
  readonly from: string;
}

const WIDTH = 24;

/** A dashboard that a file may provision: the classic kind, which every Grafana since 11 reads. */
export function dashboard(options: DashboardOptions): object {
  const { uid, title, description, tags, variables, annotations = [], rows, refresh, from } = options;
  return {
    uid,
    title,
    description,
    tags: ['cdr-gateway', ...tags],
    schemaVersion: 42,
    editable: false,
    fiscalYearStartMonth: 0,
    graphTooltip: 1,
    refresh,
    time: { from, to: 'now' },
    timepicker: { refresh_intervals: ['5s', '10s', '30s', '1m', '5m', '15m'] },
    timezone: 'browser',
    links: [
      {
        type: 'dashboards',
        title: 'CDR gateway',
        tags: ['cdr-gateway'],
        asDropdown: true,
        includeVars: false,
        keepTime: true,
        targetBlank: false,
      },
    ],
    templating: { list: variables },
    annotations: { list: annotations },
    panels: placed(rows),
  };
}

/** Ids count up, so that a link to a panel stays right as long as none is put before it. */
function placed(rows: readonly Row[]): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const { title, height, panels: inRow } of rows) {
    if (title !== undefined) {
      const gridPos = { h: 1, w: WIDTH, x: 0, y };
      panels.push({ id: panels.length + 1, type: 'row', title, collapsed: false, gridPos, panels: [] });
      y += 1;
    }
    let x = 0;
    for (const { panel, width } of widths(inRow)) {
      panels.push({ id: panels.length + 1, ...panel, gridPos: { h: height, w: width, x, y } });
      x += width;
    }
    y += height;
  }
  return panels;
}

function widths(inRow: Row['panels']): readonly { readonly panel: Panel; readonly width: number }[] {
  const given = inRow.reduce((sum, one) => sum + ('width' in one ? one.width : 0), 0);
  const sharing = inRow.filter((one) => !('width' in one)).length;
  const share = Math.floor((WIDTH - given) / Math.max(1, sharing));
  return inRow.map((one) => ('width' in one ? one : { panel: one, width: share }));
}

/** Which data source of a kind is queried; `uid` is that of our provisioning. */
export function dataSourceVariable(name: string, label: string, { type, uid }: DataSource): Variable {
  return {
    name,
    label,
    type: 'datasource',
    query: type,
    current: { selected: true, text: label, value: uid },
    hide: 0,
    includeAll: false,
    multi: false,
    options: [],
    refresh: 1,
    regex: '',
    skipUrlSync: false,
  };
}

/** One of a few words. */
export function choiceVariable(
  name: string,
  label: string,
  words: Readonly<Record<string, string>>,
): Variable {
  const options = Object.entries(words).map(([text, value], index) => ({
    text,
    value,
    selected: index === 0,
  }));
  return {
    name,
    label,
    type: 'custom',
    query: options.map(({ text, value }) => `${text} : ${value}`).join(', '),
    current: options[0],
    options,
    hide: 0,
    includeAll: false,
    multi: false,
    skipUrlSync: false,
  };
}

export function queryVariable(
  name: string,
  label: string,
  { datasource, query, allValue }: { datasource: DataSource; query: unknown; allValue?: string },
): Variable {
  return {
    name,
    label,
    type: 'query',
    datasource,
    query,
    definition: label,
    current: { selected: true, text: ['All'], value: ['$__all'] },
    allValue: allValue ?? null,
    hide: 0,
    includeAll: true,
    multi: true,
    options: [],
    // When the time range changes.
    refresh: 2,
    regex: '',
    skipUrlSync: false,
    sort: 0,
  };
}
