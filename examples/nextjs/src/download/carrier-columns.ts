import type { Carrier } from '../carriers/ask-carriers.ts';
import type { FileSink } from './file-sink.ts';

/** What a file gets behind the gateway's own columns. */
export const carrierColumns = ['blockHolder', 'blockHolderCode', 'lineKind'] as const;

export interface CarrierColumnsOptions {
  readonly sink: FileSink;
  /** Position by position, at most `batch` numbers at once. */
  readonly ask: (numbers: readonly string[]) => Promise<readonly (Carrier | null)[]>;
  readonly batch: number;
  /** Between one attempt and the next. */
  readonly pauseMillis?: number;
}

/** A sink that knows for how many calls nothing could be looked up. */
export interface CarrierSink extends FileSink {
  readonly missed: number;
}

interface Held {
  readonly record: string;
  /** The called number; empty where there is none. */
  readonly number: string;
  /** Undefined where it is still to be looked up. */
  readonly carrier: Carrier | null | undefined;
}

/** Numbers remembered. */
const MAX_KNOWN = 200_000;
/** Attempts at one look-up; when all fail, the rest of the file goes without. */
const MAX_ATTEMPTS = 3;
const PAUSE_MILLIS = 1000;
/** One record: fields with quotes may hold commas and line ends. */
const RECORD = /(?:[^"\n]+|"(?:[^"]|"")*")*\n/g;
const FIELD = /"(?:[^"]|"")*"|[^,]*/y;

/**
 * Takes whole records of CSV, the header first, and writes them with the carrier of the called number behind each. The
 * gateway streams no carriers; here they are looked up for a thousand numbers at a time while the file is written. A
 * look-up that fails leaves the columns empty, and the file goes on.
 */
export function withCarriers({
  sink,
  ask,
  batch,
  pauseMillis = PAUSE_MILLIS,
}: CarrierColumnsOptions): CarrierSink {
  const known = new Map<string, Carrier | null>();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let place: number | undefined;
  let held: Held[] = [];
  let writing = Promise.resolve();
  let unknown = new Set<string>();
  let isGivenUp = false;
  let missed = 0;

  const lookUp = async (numbers: readonly string[]) => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS && !isGivenUp; attempt++) {
      try {
        const carriers = await ask(numbers);
        return new Map(numbers.map((number, at) => [number, carriers[at] ?? null]));
      } catch (error) {
        if ((error as Error).name === 'AbortError') throw error;
        isGivenUp = attempt === MAX_ATTEMPTS;
        if (!isGivenUp) await new Promise((done) => setTimeout(done, pauseMillis));
      }
    }
    return new Map<string, Carrier | null>();
  };
  const writeOut = async (records: readonly Held[], numbers: readonly string[]) => {
    const found = numbers.length > 0 ? await lookUp(numbers) : new Map<string, Carrier | null>();
    const text = records.map(({ record, number, ...before }) => {
      const carrier = before.carrier === undefined ? found.get(number) : before.carrier;
      if (number !== '' && carrier === undefined) missed += 1;
      return extended(
        record,
        carrierColumns.map((name) => carrier?.[name] ?? ''),
      );
    });
    for (const [number, carrier] of found) {
      if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value!);
      known.set(number, carrier);
    }
    if (text.length > 0) await sink.write(encoder.encode(text.join('')));
  };
  /** One batch is looked up while the next one comes. */
  const flush = async () => {
    const [records, numbers] = [held, [...unknown]];
    held = [];
    unknown = new Set();
    await writing;
    writing = writeOut(records, numbers);
    // Thrown where it is waited for.
    writing.catch(() => {});
  };

  return {
    get missed() {
      return missed;
    },
    async write(bytes) {
      for (const [record] of decoder.decode(bytes).matchAll(RECORD)) {
        if (place === undefined) {
          place = fieldsOf(record).indexOf('cld');
          await sink.write(encoder.encode(extended(record, carrierColumns)));
          continue;
        }
        const number = fieldAt(record, place);
        const carrier = known.get(number);
        held.push({ record, number, carrier });
        if (number !== '' && carrier === undefined) unknown.add(number);
        if (unknown.size >= batch || held.length >= 10 * batch) await flush();
      }
    },
    async finish() {
      await flush();
      await writing;
      await sink.finish();
    },
    async discard() {
      await writing.catch(() => {});
      await sink.discard();
    },
  };
}

/** Before the end of its line. */
function extended(record: string, values: readonly string[]): string {
  const end = record.endsWith('\r\n') ? '\r\n' : '\n';
  return `${record.slice(0, -end.length)},${values.map(quoted).join(',')}${end}`;
}

function quoted(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function fieldsOf(record: string): string[] {
  const fields: string[] = [];
  const line = record.trimEnd();
  for (let at = 0; at <= line.length; ) {
    FIELD.lastIndex = at;
    const [field] = FIELD.exec(line)!;
    fields.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    at += field.length + 1;
  }
  return fields;
}

function fieldAt(record: string, place: number): string {
  if (!record.includes('"')) return record.split(',', place + 1)[place]?.trimEnd() ?? '';
  return fieldsOf(record)[place] ?? '';
}
