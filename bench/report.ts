import type { Line } from './line.ts';

/** All that a run has to say. */
export interface Report {
  readonly lines: readonly Line[];
  /** Hardware, versions. */
  readonly machine: readonly string[];
  /** As it was typed. */
  readonly command: string;
  /** What it started, and the statements and documents it sent. */
  readonly commands: readonly string[];
  readonly date: Date;
  /** The same lines of the run before, by title. */
  readonly before: ReadonlyMap<string, string>;
}

/** The table, for a terminal. */
export function printTable({ lines, before }: Report): string {
  const cells = lines.map((line) => [
    line.title,
    line.measured,
    line.target,
    line.verdict,
    ...(before.size > 0 ? [before.get(keyOf(line)) ?? ''] : []),
  ]);
  const head = ['', 'measured', 'target', '', ...(before.size > 0 ? ['last time'] : [])];
  const widths = head.map((_, column) => Math.max(...[head, ...cells].map((row) => row[column]!.length)));
  const print = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [print(head), widths.map((width) => '─'.repeat(width)).join('──'), ...cells.map(print)].join('\n');
}

/** What lies behind each line, for a terminal. */
export function printNotes({ lines }: Report): string {
  return lines
    .filter(({ notes }) => notes.length > 0)
    .map(({ title, target, notes }) =>
      [`${title}${target && ` (${target})`}`, ...notes.map((note) => `    ${note}`)].join('\n'),
    )
    .join('\n');
}

/** The run as bench/RESULTS.md. */
export function resultsMarkdown(report: Report, picture: string | undefined): string {
  const { commands } = report;
  return `${[
    ...tableMarkdown('Results of the benchmark', report),
    ...(picture
      ? ['## Memory over time', '', `![Resident memory and heap while lists are answered](${picture})`, '']
      : []),
    '## What was run',
    '',
    ...commands.map((text) => `- ${text}`),
    '',
    ...notesMarkdown(report),
  ]
    .join('\n')
    .trimEnd()}\n`;
}

/** The run as bench/AGAINST.md. */
export function againstMarkdown(report: Report): string {
  const title = 'This gateway against an earlier one';
  return `${[...tableMarkdown(title, report), ...notesMarkdown(report)].join('\n').trimEnd()}\n`;
}

function tableMarkdown(title: string, { lines, machine, command, date }: Report): string[] {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `# ${title}`,
    '',
    'Written by the run itself: do not edit. How it is measured, and how to read it: [README.md](README.md).',
    '',
    `- ${date.toISOString().slice(0, 16).replace('T', ' ')} UTC, \`${command}\``,
    ...machine.map((text) => `- ${text}`),
    '',
    row(['', 'target', 'measured', '']),
    row(['---', '---', '---', '---']),
    ...lines.map(({ title, target, measured, verdict }) => row([title, target, measured, verdict])),
    '',
  ];
}

function notesMarkdown({ lines }: Report): string[] {
  return [
    '## Behind each line',
    '',
    'Milliseconds are medians, in parentheses the quickest and the slowest run.',
    '',
    ...lines
      .filter(({ notes }) => notes.length > 0)
      .flatMap(({ title, target, notes }) => [
        `**${title}**${target && ` · ${target}`}`,
        '',
        ...notes.map((note) => `- ${note}`),
        '',
      ]),
  ];
}

/** By which a line is found again in the next run. */
export const keyOf = ({ title, target }: Line): string => `${title} ${target}`;
