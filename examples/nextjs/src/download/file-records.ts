/** Calls and values that are stored in a way that no file can hold. */
export interface Unreadable {
  readonly calls: number;
  readonly values: number;
}

/** What a file ended with. */
export interface RecordsEnd {
  /** What is still to be written. */
  readonly bytes: Uint8Array;
  /** Set when the list broke off; null as cursor means that it cannot be continued. */
  readonly brokenOff: { readonly code: string; readonly resumeAfter: string | null } | undefined;
  readonly unreadable: Unreadable;
  /** True when the last line has no end: the connection was cut. */
  readonly isCut: boolean;
}

/** Reads a file as it comes, counts its records, and keeps the last one back until it is known to be no notice. */
export interface FileRecords {
  /** Records so far; the one that is held back is one of them. */
  readonly rows: number;
  /** Returns what can be written already. */
  take(chunk: Uint8Array): Uint8Array;
  end(): RecordsEnd;
}

/** How a file travels. */
export interface FileFormat {
  readonly accept: 'text/csv' | 'application/x-ndjson';
  /** A part that continues a file may begin with what does not belong there. */
  read(options: { readonly isContinued: boolean }): FileRecords;
  /** The gateway's notice, of a whole file that was put together from parts. */
  notice(rows: number, unreadable: Unreadable): string;
}

export const WHOLE: Unreadable = { calls: 0, values: 0 };

export interface Notice {
  readonly code: string;
  readonly resumeAfter: string | null;
  readonly unreadable: Unreadable;
}

/** A list whose names could not be looked up is whole but for these, and has nothing to go on after. */
export function brokenOffBy({ code, resumeAfter, unreadable }: Notice): RecordsEnd['brokenOff'] {
  const isWhole = code === 'UNREADABLE_VALUE' || (resumeAfter === null && unreadable.values > 0);
  return isWhole ? undefined : { code, resumeAfter };
}

export function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
