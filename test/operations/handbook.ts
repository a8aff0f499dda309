import { readFileSync } from 'node:fs';
import type { HostName } from './hosts.ts';

/** Commands of the handbook, as they stand. */
export interface ShellBlock {
  readonly file: string;
  readonly line: number;
  readonly section: string;
  /** Undefined where it says that the tests do not run it, or which other one does. */
  readonly host: HostName | undefined;
  readonly script: string;
}

const hostOf: Readonly<Record<string, HostName>> = {
  'db-1': 'db-1',
  'db-2': 'db-2',
  'db-3': 'db-3',
  'db-4': 'db-4',
  "the gateway's host": 'gateway',
};

/** Every block of shell commands, in order. Throws on one that says neither its host nor what runs it, if anything does. */
export function shellBlocksOf(file: string): readonly ShellBlock[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const blocks: ShellBlock[] = [];
  let section = '';
  for (let index = 0; index < lines.length; index++) {
    section = /^#{2,3} (.*)$/.exec(lines[index]!)?.[1] ?? section;
    const indent = /^( *)```(?:sh|bash)$/.exec(lines[index]!)?.[1];
    if (indent === undefined) continue;
    const start = index + 1;
    while (lines[index + 1]!.trim() !== '```') index++;
    const own = lines.slice(start, index + 1).map((line) => line.slice(indent.length));
    index++;
    const mark = own[0] ?? '';
    const host = hostOf[/^# on (db-\d|the gateway's host)\b/.exec(mark)?.[1] ?? ''];
    if (!host && !/^# (not run by the tests|(run|tried) by test\/)/.test(mark)) {
      throw new Error(`${file}:${start + 1} says neither on which host it runs nor what runs it: ${mark}`);
    }
    blocks.push({ file, line: start + 1, section, host, script: own.join('\n') });
  }
  return blocks;
}

export function blocksOf(section: string, file = 'docs/postgresql.md'): readonly ShellBlock[] {
  const found = shellBlocksOf(file).filter((block) => block.section === section);
  if (found.length === 0) throw new Error(`${file} has no commands in "${section}".`);
  return found;
}
