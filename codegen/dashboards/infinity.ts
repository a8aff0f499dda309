import { dataSourceVariable, queryVariable, type Variable } from './dashboard.ts';
import type { DataSource, QueryTarget } from './panels.ts';

const datasource: DataSource = { type: 'yesoreyeram-infinity-datasource', uid: `\${gateway}` };

export const gatewayVariable = dataSourceVariable('gateway', 'CDR gateway', {
  type: 'yesoreyeram-infinity-datasource',
  uid: 'cdr-gateway',
});

type ColumnType = 'string' | 'number' | 'timestamp' | 'timestamp_epoch' | 'boolean';

/** Fields of a row, each with its type: what comes as text, such as money, is drawn as a number. */
export type Columns = Readonly<Record<string, ColumnType>>;

interface Parsed {
  readonly refId?: string;
  readonly columns: Columns;
  /** A line for each value of its texts, or the rows as they are. */
  readonly format: 'table' | 'timeseries';
}

/** The dashboard's time range, in the text of a query: filled in by Grafana's server, so alerts have it too. */
export const RANGE = `from: \${__timeFrom}, to: \${__timeTo}`;

/**
 * A GraphQL query, whose rows are at `root`. Always read by Infinity's server: what it reads in the browser turns an
 * unknown number into the text "null".
 */
export function graphql({ query, root, ...parsed }: Parsed & { query: string; root: string }): QueryTarget {
  return {
    ...common(parsed),
    type: 'graphql',
    url: '/graphql',
    url_options: {
      method: 'POST',
      body_type: 'graphql',
      body_content_type: 'application/json',
      body_graphql_query: query,
      body_graphql_variables: '',
      data: '',
    },
    root_selector: `data.${root}`,
  };
}

/** Flat rows of a GET. */
export function rows({ path, ...parsed }: Parsed & { path: string }): QueryTarget {
  return {
    ...common(parsed),
    type: 'json',
    url: path,
    url_options: { method: 'GET', data: '' },
    root_selector: '',
  };
}

function common({ refId = 'A', columns, format }: Parsed) {
  return {
    refId,
    datasource,
    source: 'url',
    parser: 'backend',
    format,
    columns: Object.entries(columns).map(([name, type]) => {
      // A column may be called otherwise than its field: "field as name".
      const [selector, text = name] = name.split(' as ');
      return { selector, text, type };
    }),
    computed_columns: [],
    filters: [],
    global_query_id: '',
  };
}

/**
 * Values among the calls of the time range. In a query, `${name:json}` is a list of the chosen ones, and null for all,
 * which restricts nothing.
 */
export function callsVariable(name: string, label: string, key: string): Variable {
  const path = `/grafana/values?key=${key}&from=\${__timeFrom}&to=\${__timeTo}`;
  const infinityQuery = rows({
    refId: 'variable',
    path,
    columns: { 'text as __text': 'string', 'value as __value': 'string' },
    format: 'table',
  });
  const query = { queryType: 'infinity', query: '', infinityQuery, refId: 'variable' };
  return queryVariable(name, label, { datasource, query, allValue: 'null' });
}

/** Marks of another kind of rows on every graph. */
export function annotation(name: string, path: string, iconColor: string): object {
  const target = rows({
    refId: 'Anno',
    path,
    columns: {
      time: 'timestamp_epoch',
      timeEnd: 'timestamp_epoch',
      title: 'string',
      text: 'string',
      'tags as tags': 'string',
    },
    format: 'table',
  });
  return { name, datasource, enable: true, hide: false, iconColor, target };
}
