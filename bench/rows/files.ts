import { interleave, type Side } from '../interleave.ts';
import { computeRatio, count, judge, type Line, type Row, times } from '../line.ts';
import { type MeasuredRun, runRequest } from '../measured-run.ts';
import { gatewayList } from '../requests.ts';
import type { Stage } from '../stage.ts';
import { verifyCount } from '../verify.ts';
import { readWorkload } from '../workload.ts';
import { COPY, copySide } from './list-sides.ts';
import { describeRuns, totals } from './lists.ts';

const TARGET = 1.1;

const formats = {
  CSV: { accept: 'text/csv', lineEnd: '\r\n', headers: 1 },
  NDJSON: { accept: 'application/x-ndjson', lineEnd: '\n', headers: 0 },
} as const;
type Format = keyof typeof formats;

export const filesRow: Row = {
  name: 'files',
  title: 'CSV and NDJSON files',
  workloads: (stage) =>
    Object.entries(formats).map(([format, { accept }]) => {
      const first = stage.settings.sizes.longList;
      const title = titleOf(format, first);
      return readWorkload(stage, title, (endpoint) => gatewayList(endpoint, { first, accept }));
    }),
  async measure(stage) {
    const list = { first: stage.settings.sizes.longList };
    const names = Object.keys(formats) as Format[];
    const sides = [
      copySide(stage, list, 'csv'),
      ...(await Promise.all(names.map((format) => fileSide(stage, format, list.first)))),
    ];
    const runs = await interleave(sides, { repeats: stage.settings.repeats, warmups: 1 });
    return names.map((format) => buildLine(format, list.first, runs));
  },
};

const titleOf = (format: string, first: number): string => `${format} of ${count(first)} calls`;

/** Counted before it is timed: a file has one line per call. */
async function fileSide(stage: Stage, format: Format, first: number): Promise<Side<MeasuredRun>> {
  const { endpoint, process } = await stage.gateway();
  const { accept, lineEnd, headers } = formats[format];
  const request = gatewayList(endpoint, { first, accept });
  await verifyCount(`The gateway's ${format}`, request, { mark: lineEnd, expected: first + headers });
  return { name: format, run: () => runRequest(stage, process.pid, request) };
}

function buildLine(format: Format, first: number, runs: ReadonlyMap<string, readonly MeasuredRun[]>): Line {
  const { ratio, spread } = computeRatio(totals(runs, format), totals(runs, COPY));
  const both = new Map([...runs].filter(([name]) => name === format || name === COPY));
  return {
    title: titleOf(format, first),
    target: `≤ ${TARGET}× COPY CSV in psql`,
    measured: times(ratio),
    verdict: judge(ratio <= TARGET),
    notes: [...describeRuns(both), spread],
  };
}
