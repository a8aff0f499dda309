/**
 * What GraphiQL shows of an answer. This file runs in the browser. The editor in which GraphiQL shows answers takes
 * seconds for a hundred thousand rows, in which the page does not move: it is given the first rows, and the whole answer is
 * offered as a file.
 */
export const MAX_SHOWN_ROWS = 1000;
/** More than so many rows of a file take, and a moment to read. */
const MAX_SHOWN_CHARACTERS = 2_000_000;

export interface Answer {
  /** For GraphiQL, which writes it as JSON. */
  readonly shown: object;
  /** The whole answer, where `shown` is not all of it or it is a file. */
  readonly file?: AnswerFile;
}

export interface AnswerFile {
  readonly name: string;
  readonly body: Blob;
  /** What is shown of it, in words. */
  readonly note: string;
}

/** What a response says before its body. */
export interface AnswerHead {
  readonly type: string;
  readonly isFile: boolean;
  /** "502 Bad Gateway" where it is no success. */
  readonly failure: string | undefined;
}

export function headOf({ ok, status, statusText, headers }: Response): AnswerHead {
  const failure = ok ? undefined : `${status} ${statusText}`.trim();
  const type = headers.get('content-type') ?? '';
  return { type, isFile: /csv|ndjson/.test(type), failure };
}

/** Any answer of the gateway: JSON, a file of calls, or text of something between the page and the gateway. */
export async function readAnswer({ type, isFile, failure }: AnswerHead, body: Blob): Promise<Answer> {
  if (isFile) {
    return /csv/.test(type) ? readLines(body, 'calls.csv') : readLines(body, 'calls.ndjson', parseLine);
  }
  if (/json/.test(type)) return readJson(body);
  if (failure !== undefined) {
    return { shown: { errors: [{ message: `The gateway answered ${failure}.` }] } };
  }
  return readLines(body, 'answer.txt');
}

async function readJson(body: Blob): Promise<Answer> {
  const cut: CutList[] = [];
  const shown = cutLists(JSON.parse(await body.text()), '', cut);
  if (cut.length === 0) return { shown };
  const lists = cut.map(({ path, length }) => `${count(MAX_SHOWN_ROWS)} of ${count(length)} ${path}`);
  const note = `Shown: the first ${lists.join(', ')}.`;
  // In the answer too: a copy of what is shown must not be taken for all of it.
  return { shown: { shown: note, ...shown }, file: { name: 'answer.json', body, note } };
}

interface CutList {
  readonly path: string;
  readonly length: number;
}

/** The same value with no more than the first rows of any list; what was cut is noted. */
function cutLists<Value>(value: Value, path: string, cut: CutList[]): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    if (value.length <= MAX_SHOWN_ROWS) return value;
    cut.push({ path, length: value.length });
    return value.slice(0, MAX_SHOWN_ROWS) as Value;
  }
  const fields = Object.entries(value).map(([name, field]) => {
    const inside = path === '' ? name : `${path}.${name}`;
    return [name, cutLists(field, inside.replace(/^data\./, ''), cut)];
  });
  return Object.fromEntries(fields);
}

/** A file has a row in a line; its first ones are shown as a list. */
async function readLines(
  body: Blob,
  name: string,
  parse: (line: string) => unknown = (line) => line,
): Promise<Answer> {
  const start = await body.slice(0, MAX_SHOWN_CHARACTERS).text();
  const isWhole = body.size <= MAX_SHOWN_CHARACTERS;
  const lines = start.split(/\r?\n/);
  // Behind the last line there is nothing, or a part of a line.
  if (!isWhole || lines.at(-1) === '') lines.pop();
  const shown = lines.slice(0, MAX_SHOWN_ROWS);
  const isCut = !isWhole || shown.length < lines.length;
  const note = isCut
    ? `Shown: the first ${count(shown.length)} lines of ${name}.`
    : `Shown: all ${count(shown.length)} lines of ${name}.`;
  return { shown: { shown: note, lines: shown.map(parse) }, file: { name, body, note } };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

const count = (number: number) => number.toLocaleString('en');
