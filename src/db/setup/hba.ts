import { isIP } from 'node:net';
import { refuse } from './setup-error.ts';

const BEGIN = '# CDR gateway: begin. Kept by its command "setup"; lines of your own belong outside.';
const END = '# CDR gateway: end';

export interface HbaLine {
  /** `replication`, or the name of a database. */
  readonly database: string;
  readonly user: string;
  /** An address with its mask, as in 10.0.0.12/32. */
  readonly address: string;
  /** The standby that comes by it: a comment, by which the line is found again. */
  readonly name?: string;
}

/** "10.0.0.12" and "10.0.0.0/28" alike. Names would have to resolve in both directions at each connection. */
export function parseAddress(text: string, option: string): string {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (version === 0 || rest.length > 0 || !(length >= 0 && length <= most)) {
    refuse(`${option}: "${text}" is no address; give one such as 10.0.0.12 or 10.0.0.0/28.`);
  }
  if (length === 0)
    refuse(`${option}: ${text} lets in every address; name those of the standbys and gateways.`);
  return `${address}/${length}`;
}

/** Without TLS only where the operator says that the network is theirs alone. */
export function hbaText({ database, user, address, name }: HbaLine, isTls: boolean): string {
  return [
    (isTls ? 'hostssl' : 'host').padEnd(8),
    quoteName(database).padEnd(12),
    quoteName(user).padEnd(11),
    address.padEnd(18),
    'scram-sha-256',
    ...(name === undefined ? [] : [`  # ${name}`]),
  ].join(' ');
}

/** A bare word of pg_hba.conf may be a keyword; `replication` is meant to be one. */
function quoteName(name: string): string {
  return /^[a-z_][a-z0-9_$-]*$/.test(name) && !/^(all|sameuser|samerole|samegroup)$/.test(name)
    ? name
    : `"${name.replaceAll('"', '""')}"`;
}

const words = (line: string): string => line.trim().split(/\s+/).join(' ');
const withoutComment = (line: string): string => words(line.replace(/#.*$/, ''));

/** Those of the lines that are nowhere in the file. Of our own, each standby has one, though addresses may be the same. */
export function missingLines(text: string, lines: readonly string[]): readonly string[] {
  const { block, rest } = splitBlock(text);
  const present = new Set([...block.map(words), ...rest.map(withoutComment)]);
  return [...new Set(lines)].filter(
    (line) => !present.has(words(line)) && !present.has(withoutComment(line)),
  );
}

/** The lines of our block; the first match wins, so the block is on top of what others wrote. */
export function addToBlock(text: string, added: readonly string[]): string {
  const { block, rest } = splitBlock(text);
  return joinBlock([...block, ...added], rest);
}

/** Lines that others wrote stay. */
export function removeFromBlock(text: string, removed: readonly string[]): string {
  const { block, rest } = splitBlock(text);
  const gone = new Set(removed.map(words));
  return joinBlock(
    block.filter((line) => !gone.has(words(line))),
    rest,
  );
}

/** Lines of our block that are a standby's own. */
export function linesOfStandby(text: string, name: string): readonly string[] {
  return splitBlock(text).block.filter((line) => /# (\S+)$/.exec(line)?.[1] === name);
}

function splitBlock(text: string): { block: readonly string[]; rest: readonly string[] } {
  const lines = text.replace(/\n$/, '').split('\n');
  const begin = lines.findIndex((line) => line.startsWith('# CDR gateway: begin'));
  const end = lines.indexOf(END, begin);
  if (begin < 0 || end < 0) return { block: [], rest: lines };
  return { block: lines.slice(begin + 1, end), rest: [...lines.slice(0, begin), ...lines.slice(end + 1)] };
}

function joinBlock(block: readonly string[], rest: readonly string[]): string {
  const own = block.length === 0 ? [] : [BEGIN, ...block, END];
  return `${[...own, ...rest].join('\n')}\n`;
}
