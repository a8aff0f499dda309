import { isAscii, isUtf8 } from 'node:buffer';

/** A line of a file, counted from 1; without text when its bytes make none. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly text?: undefined; readonly reason: string };

/** A file, or a part of it, that cannot be used as a whole. Its message is a sentence without the file's name. */
export class UnusableFileError extends Error {}

/** Why a file could not be read, as a sentence without its name. */
export function whyUnusable(error: unknown): string {
  if (error instanceof UnusableFileError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'There is no such file.';
  return `It cannot be read${code ? ` (${code})` : ''}.`;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_LINE_BYTES = 65_536;
const WINDOWS_SIGNS = /[\u0080-\u009f]/;
/** What neither encoding has in text; most of it is the mark of a binary file. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffd]/;

/**
 * The lines of a text file, as it is read: those of each piece together. UTF-8 or Windows-1252: the first line that is
 * not plain ASCII decides, and a byte order mark before that. Throws UnusableFileError for UTF-16.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  const decode = createDecoder();
  const splitter = createSplitter();
  let number = 0;
  const numberLine = (bytes: Buffer | undefined): Line => ({ number: ++number, ...decode.line(bytes) });
  for await (const chunk of skipMark(chunks, decode.isUtf8)) yield splitter.push(chunk).map(numberLine);
  yield splitter.end().map(numberLine);
}

/** Cuts at line feeds. Undefined in place of a line that is longer than any line of ours. */
function createSplitter() {
  let rest: Buffer = Buffer.alloc(0);
  let isTooLong = false;

  return {
    push(chunk: Buffer): (Buffer | undefined)[] {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const lines: (Buffer | undefined)[] = [];
      let start = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
        const isDropped = isTooLong || end - start > MAX_LINE_BYTES;
        lines.push(isDropped ? undefined : trimReturn(bytes.subarray(start, end)));
        isTooLong = false;
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > MAX_LINE_BYTES) {
        isTooLong = true;
        rest = Buffer.alloc(0);
      }
      return lines;
    },
    end(): (Buffer | undefined)[] {
      if (isTooLong) return [undefined];
      return rest.length > 0 ? [trimReturn(rest)] : [];
    },
  };
}

function trimReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

async function* skipMark(chunks: AsyncIterable<Buffer>, foundUtf8: () => void): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 3) continue;
    yield cutMark(head, foundUtf8);
    head = undefined;
  }
  if (head) yield cutMark(head, foundUtf8);
}

function cutMark(head: Buffer, foundUtf8: () => void): Buffer {
  const mark = head.toString('latin1', 0, 3);
  if (mark.startsWith('\xff\xfe') || mark.startsWith('\xfe\xff')) {
    throw new UnusableFileError('It is UTF-16; save it as UTF-8 or Windows-1252.');
  }
  if (mark !== '\xef\xbb\xbf') return head;
  foundUtf8();
  return head.subarray(3);
}

type Decoded = { readonly text: string } | { readonly reason: string };

function createDecoder() {
  const windows = new TextDecoder('windows-1252');
  let encoding: 'utf-8' | 'windows-1252' | undefined;

  function decodeText(bytes: Buffer): string | undefined {
    if (isAscii(bytes)) return bytes.toString('latin1');
    encoding ??= isUtf8(bytes) ? 'utf-8' : 'windows-1252';
    if (encoding === 'windows-1252') {
      // Only these signs differ from Latin-1, which Node reads far more quickly.
      const text = bytes.toString('latin1');
      return WINDOWS_SIGNS.test(text) ? windows.decode(bytes) : text;
    }
    return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  }

  return {
    isUtf8() {
      encoding = 'utf-8';
    },
    line(bytes: Buffer | undefined): Decoded {
      if (!bytes) return { reason: `longer than ${MAX_LINE_BYTES} bytes` };
      const text = decodeText(bytes);
      if (text === undefined) return { reason: 'not UTF-8, as the lines before it are' };
      return UNPRINTABLE.test(text) ? { reason: 'holds bytes that are no text' } : { text };
    },
  };
}
