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

/** How well calls go: the measures by which carriers are judged. */
export function quality(): object {
  return dashboard({
    uid: 'cdr-quality',
    title: 'Quality',
    description: 'ASR, NER, ACD and PDD, why calls end, and the destinations and accounts where they fail.',
    tags: ['calls'],
    variables: callVariables,
    refresh: '1m',
    from: 'now-24h',
    rows: [
      { height: 4, panels: tiles() },
      { title: 'Over time', height: 8, panels: ratiosOverTime() },
      { height: 8, panels: secondsOverTime() },
      { title: 'Why calls end', height: 10, panels: causes() },
      { title: 'Where', height: 11, panels: places() },
    ],
  });
}

const ASR = 'Answer-seizure ratio: 100 × answered / attempts. Unknown without attempts.';
const NER =
  'Network effectiveness ratio: 100 × (answered + busy + no answer + rejected + cancelled) / attempts with a known outcome. What the called side does does not count against it.';
const ACD = 'Average call duration: seconds of answered calls / answered. Unknown without answered calls.';
const PDD = 'Average post-dial delay, over the calls that have one. Unknown when none has.';

const judged: readonly Measure[] = ['asr', 'ner', 'acdSeconds', 'pddSeconds', 'shortCalls'];

function tiles() {
  return [
    figures({
      title: 'In total',
      description: [
        `**ASR**: ${ASR}`,
        `**NER**: ${NER}`,
        `**ACD**: ${ACD}`,
        `**PDD**: ${PDD}`,
        '**Short calls**: answered calls of 6 seconds or less.',
      ].join('\n\n'),
      targets: [totals(judged)],
      columns: measureColumns(judged),
    }),
  ];
}

function ratiosOverTime() {
  return [
    timeSeries({
      title: 'ASR and NER',
      description: `${ASR} ${NER}`,
      unit: 'percent',
      decimals: 1,
      max: 100,
      targets: [overTime('asr', 'ner')],
    }),
    timeSeries({
      title: 'What became of calls',
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

function secondsOverTime() {
  return [
    timeSeries({ title: 'ACD', description: ACD, unit: 's', targets: [overTime('acdSeconds')] }),
    timeSeries({ title: 'PDD', description: PDD, unit: 's', targets: [overTime('pddSeconds')] }),
    timeSeries({
      title: 'Short calls',
      description: 'Answered calls of 6 seconds or less. Times without any call have no bar.',
      unit: 'short',
      asBars: true,
      targets: [overTime('shortCalls')],
    }),
  ];
}

const byCause: Top = {
  dimension: 'DISCONNECT_CAUSE',
  field: 'disconnectCause',
  title: 'Cause',
  first: 20,
  orderBy: 'attempts',
  measures: ['attempts', 'acdSeconds', 'pddSeconds'],
};

const byCountry: Top = {
  dimension: 'COUNTRY',
  field: 'country',
  title: 'Country',
  first: 20,
  orderBy: 'attempts',
  measures: ['attempts', 'answered', 'asr', 'ner', 'acdSeconds', 'pddSeconds', 'shortCalls'],
};

const worstAccounts: Top = {
  ...byCountry,
  dimension: 'ACCOUNT',
  field: 'accountId',
  title: 'Account',
  orderBy: 'asr',
  direction: 'ASC',
  atLeastAttempts: 100,
};

function causes() {
  return [
    barChart({
      title: 'Causes',
      description:
        'Attempts by disconnect cause, the ten most frequent. For xdrs Q.850: 16 normal, 17 busy, 34 no circuit, …',
      unit: 'short',
      xField: 'disconnectCause',
      targets: [topGroups({ ...byCause, first: 10, measures: ['attempts'] })],
    }),
    topTable(byCause, {
      title: 'Causes in figures',
      description: 'The twenty most frequent disconnect causes. An empty one: the switch gave none.',
    }),
  ];
}

function places() {
  return [
    topTable(byCountry, {
      title: 'Top destinations',
      description: 'The twenty countries with the most attempts. An empty name: the switch knew none.',
    }),
    topTable(worstAccounts, {
      title: 'Accounts with the lowest ASR',
      description: 'Of those with at least 100 attempts in the time range.',
    }),
  ];
}
