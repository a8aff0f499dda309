import { createReadStream } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { closedFiles, headFile } from './audit-files.ts';
import { checkLine, type Link, OPENED, START } from './chain.ts';

export interface Verified {
  readonly files: number;
  readonly lines: number;
  /** Number of the first line that is there; more than 1 where older files were deleted. Undefined: there is none. */
  readonly first: number | undefined;
  readonly last: Link | undefined;
  /** One sentence for each place where the chain is broken. */
  readonly problems: readonly string[];
}

export interface VerifyOptions {
  readonly file: string;
  readonly key?: string | undefined;
  /** Of a line that must be there: what was written down elsewhere. */
  readonly hash?: string | undefined;
}

const MAX_PROBLEMS = 100;

/** Reads the audit from its oldest line to its newest. Rejects where a file cannot be read. */
export async function verifyAudit({ file, key, hash }: VerifyOptions): Promise<Verified> {
  const files = [...(await closedFiles(file)), ...((await exists(file)) ? [file] : [])];
  const problems: string[] = [];
  let previous: Link | undefined;
  let first: number | undefined;
  let lines = 0;
  let isHashFound = hash === undefined;
  let headHash: string | undefined;
  const head = await readHead(file);
  for (const path of files) {
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      number++;
      lines++;
      const checked = checkLine(line, lines === 1 ? beforeFirst(line) : previous, key);
      if ('wrong' in checked) {
        if (problems.length < MAX_PROBLEMS) problems.push(`${path}, line ${number}: ${checked.wrong}.`);
        previous = linkOf(line) ?? previous;
      } else {
        previous = checked.link;
        if (lines === 1 && checked.record.event !== OPENED) {
          problems.push(`${path}, line 1: is no beginning of a file: lines before it were removed.`);
        }
      }
      first ??= previous?.sequence;
      isHashFound ||= previous?.hash === hash;
      if (previous?.sequence === head?.sequence) headHash = previous?.hash;
    }
  }
  if (head && headHash !== head.hash) {
    problems.push(
      `${headFile(file)} names line ${head.sequence}, which is not there as it was: lines were cut off the end.`,
    );
  }
  if (!isHashFound) problems.push(`No line has the hash ${hash}.`);
  return { files: files.length, lines, first, last: previous, problems };
}

/** The chain begins with its first line, or goes on after files that were deleted, of which the last hash is in it. */
function beforeFirst(line: string): Link | undefined {
  const checked = checkLine(line, undefined, undefined);
  if ('wrong' in checked) return undefined;
  const { link, record } = checked;
  if (link.sequence === 1) return START;
  return { sequence: link.sequence - 1, hash: String(record.previous) };
}

/** After a broken place the chain goes on with what the line itself says, so that one is not told as many. */
function linkOf(line: string): Link | undefined {
  const checked = checkLine(line, undefined, undefined);
  return 'link' in checked ? checked.link : undefined;
}

async function readHead(file: string): Promise<Link | undefined> {
  const text = await readFile(headFile(file), 'utf8').catch(() => undefined);
  const parts = /^(\d+) ([0-9a-f]{64})\n$/.exec(text ?? '');
  return parts ? { sequence: Number(parts[1]), hash: parts[2]! } : undefined;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
