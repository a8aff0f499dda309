import { MINUTES } from '../../src/grafana/units.ts';
import {
  callVariables,
  type Measure,
  measureColumns,
  overTime,
  overTimeBy,
  type Top,
  topGroups,
  topTable,
  totals,
} from './calls.ts';
import { dashboard } from './dashboard.ts';
import { barChart, figures, timeSeries } from './panels.ts';

/** How much is called, where to, by whom. */
export function traffic(): object {
  return dashboard({
    uid: 'cdr-traffic',
    title: 'Traffic',
    description: 'Calls, minutes and charges over time, and the destinations and accounts that make them.',
    tags: ['calls'],
    variables: callVariables,
    refresh: '1m',
    from: 'now-24h',
    rows: [
      { height: 4, panels: tiles() },
      { title: 'Over time', height: 9, panels: attemptsOverTime() },
      { height: 8, panels: amountsOverTime() },
      { title: 'Destinations', height: 10, panels: destinations() },
      { title: 'Accounts', height: 10, panels: accounts() },
    ],
  });
}

const sums: readonly Measure[] = ['attempts', 'answered', 'minutes', 'billedMinutes'];

const currencies: Top = {
  dimension: 'CURRENCY',
  field: 'currency',
  title: 'Currency',
  first: 20,
  orderBy: 'attempts',
  measures: ['chargedAmount', 'attempts'],
};

function tiles() {
  return [
    figures({
      title: 'In total',
      description:
        'All calls of the time range: attempts, those of them that were answered, real minutes and billed minutes.',
      targets: [totals(sums)],
      columns: measureColumns(sums),
    }),
    topTable(currencies, {
      title: 'Charged',
      description:
        "What the calls of the time range were charged, a row for each currency: amounts are in each account's own. An empty name: the currency of the account is unknown.",
    }),
  ];
}

function attemptsOverTime() {
  return [
    timeSeries({
      title: 'Call attempts',
      description: 'Attempts and how many of them were answered. Times without any call have no bar.',
      unit: 'short',
      asBars: true,
      targets: [overTime('attempts', 'answered')],
    }),
    timeSeries({
      title: 'What became of them',
      description:
        'Attempts by outcome. The line without a name is of calls whose outcome the switch did not tell.',
      unit: 'short',
      asBars: true,
      isStacked: true,
      targets: [overTimeBy('OUTCOME', 'outcome', 'attempts')],
      displayName: `\${__field.labels.outcome}`,
    }),
  ];
}

function amountsOverTime() {
  return [
    timeSeries({
      title: 'Minutes',
      description: 'Real and billed minutes by the time at which calls connected.',
      unit: MINUTES,
      asBars: true,
      targets: [overTime('minutes', 'billedMinutes')],
    }),
    timeSeries({
      title: 'Charged',
      description: "Charged amounts, a line for each currency: amounts are in each account's own.",
      unit: 'none',
      asBars: true,
      targets: [overTimeBy('CURRENCY', 'currency', 'chargedAmount')],
      displayName: `\${__field.labels.currency}`,
    }),
  ];
}

const countries: Top = {
  dimension: 'COUNTRY',
  field: 'country',
  title: 'Country',
  first: 20,
  orderBy: 'minutes',
  isByCurrency: true,
  measures: ['attempts', 'answered', 'minutes', 'billedMinutes', 'chargedAmount'],
};

const prefixes: Top = { ...countries, dimension: 'PREFIX', field: 'prefix', title: 'Prefix' };

const topAccounts: Top = {
  ...countries,
  dimension: 'ACCOUNT',
  field: 'accountId',
  title: 'Account',
};

function destinations() {
  return [
    barChart({
      title: 'Top destinations by minutes',
      description: 'The ten countries with the most minutes.',
      unit: MINUTES,
      decimals: 1,
      xField: 'country',
      targets: [topGroups({ ...countries, first: 10, isByCurrency: false, measures: ['minutes'] })],
    }),
    topTable(countries, {
      title: 'Countries',
      description:
        'The countries with the most minutes, a row for each currency that calls there were charged in. An empty name: the switch knew none.',
    }),
    topTable(prefixes, {
      title: 'Prefixes',
      description:
        'The rate prefixes with the most minutes, a row for each currency that their calls were charged in.',
    }),
  ];
}

function accounts() {
  return [
    barChart({
      title: 'Top accounts by minutes',
      description:
        'The ten accounts with the most minutes: charges in different currencies cannot be compared.',
      unit: MINUTES,
      decimals: 1,
      xField: 'accountId',
      targets: [topGroups({ ...topAccounts, first: 10, isByCurrency: false, measures: ['minutes'] })],
    }),
    topTable(topAccounts, {
      title: 'Accounts',
      description: 'The twenty accounts with the most minutes, and what they were charged in their currency.',
    }),
  ];
}
