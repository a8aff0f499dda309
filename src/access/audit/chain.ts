import { createHmac, hash } from 'node:crypto';

/** What a chain begins with. */
export const GENESIS = '0'.repeat(64);

/** The event of the line that each file begins with. */
export const OPENED = 'opened';

/** The last line of a chain. */
export interface Link {
  /** Of the first line: 1. */
  readonly sequence: number;
  readonly hash: string;
}

export const START: Link = { sequence: 0, hash: GENESIS };

/** A line of the audit as it is stored: its hash is over the hash of the line before and everything else in it. */
export interface ChainedLine extends Link {
  readonly text: string;
}

/** Appends to the chain. With a key, only who has it can make a line that follows. */
export function chain(previous: Link, record: object, key: string | undefined): ChainedLine {
  const sequence = previous.sequence + 1;
  const body = JSON.stringify({ sequence, ...record });
  const digest = digestOf(previous.hash, body, key);
  return { sequence, hash: digest, text: `${body.slice(0, -1)},"hash":"${digest}"}\n` };
}

/** What is wrong with a stored line, or the link that it is. */
export type Checked =
  | { readonly link: Link; readonly record: Record<string, unknown> }
  | { readonly wrong: string };

/** Checks a line, without its line feed, against the one before; undefined: the one before is no longer there. */
export function checkLine(line: string, previous: Link | undefined, key: string | undefined): Checked {
  const parts = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/.exec(line);
  const record = parts && parse(`${parts[1]}}`);
  const sequence = record?.sequence;
  if (!parts || !record || typeof sequence !== 'number')
    return { wrong: 'is no line of an audit: it was altered' };
  const link = { sequence, hash: parts[2]! };
  if (previous === undefined) return { link, record };
  if (sequence !== previous.sequence + 1) {
    const between = sequence - previous.sequence - 1;
    return {
      wrong:
        between > 0
          ? `is number ${sequence} and follows ${previous.sequence}: ${between} between them were removed or moved`
          : `is number ${sequence} and follows ${previous.sequence}: it was moved, or is there twice`,
    };
  }
  if (digestOf(previous.hash, `${parts[1]}}`, key) === link.hash) return { link, record };
  return { wrong: `(number ${sequence}) does not follow the line before it: one of the two was altered` };
}

function digestOf(previous: string, body: string, key: string | undefined): string {
  const text = `${previous}\n${body}`;
  return key === undefined ? hash('sha256', text) : createHmac('sha256', key).update(text).digest('hex');
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
