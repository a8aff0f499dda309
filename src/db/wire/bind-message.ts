/** How a value travels: PostgreSQL's text, or its binary form. */
export const formats = { text: 0, binary: 1 } as const;
export type Format = (typeof formats)[keyof typeof formats];

export interface Binding {
  readonly statement: string;
  /** Parameters as text; null is SQL's. */
  readonly values: readonly (string | null)[];
  /** One per column. node-postgres knows only one for all of them. */
  readonly formats: readonly Format[];
}

/** Execute the unnamed portal to its end. */
const EXECUTE = Buffer.from('45000000090000000000', 'hex');
/** Ends what was sent since the last one, as one transaction. */
const SYNC = Buffer.from('5300000004', 'hex');

/** What is sent for a statement on this connection: its execution alone, or with a change of settings around it. */
export function together(...messages: readonly Buffer[]): Buffer {
  return Buffer.concat([...messages, SYNC]);
}

/** Prepares a statement under this name, whatever was there before. */
export function encodePreparation(name: string, text: string): Buffer {
  return Buffer.concat([encodeClose(name), encodeParse(name, text)]);
}

/** Prepares a statement under a name that is free; the empty one always is. */
export function encodeParse(name: string, text: string): Buffer {
  return message('P', `${name}\0${text}\0\0\0`);
}

/** Forgets the statement of this name, if there is one. */
export function encodeClose(name: string): Buffer {
  return message('C', `S${name}\0`);
}

function message(type: string, content: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + Buffer.byteLength(content));
  return Buffer.concat([Buffer.from(type), length, Buffer.from(content)]);
}

/** The protocol's Bind message to the unnamed portal, and what has it executed; Sync must follow. */
export function encodeExecution({ statement, values, formats: resultFormats }: Binding): Buffer {
  const name = Buffer.byteLength(statement);
  const lengths = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)));
  const parameters = lengths.reduce((sum, length) => sum + 4 + Math.max(length, 0), 0);
  const bindBytes = 1 + 4 + 1 + name + 1 + 2 + 2 + parameters + 2 + 2 * resultFormats.length;
  const bytes = Buffer.allocUnsafe(bindBytes + EXECUTE.length);
  let at = bytes.write('B');
  at = bytes.writeInt32BE(bindBytes - 1, at);
  at = bytes.writeUInt8(0, at);
  at += bytes.write(statement, at);
  at = bytes.writeUInt8(0, at);
  // No parameter formats: all are text.
  at = bytes.writeInt16BE(0, at);
  at = bytes.writeInt16BE(values.length, at);
  values.forEach((value, index) => {
    at = bytes.writeInt32BE(lengths[index]!, at);
    if (value !== null) at += bytes.write(value, at);
  });
  at = bytes.writeInt16BE(resultFormats.length, at);
  for (const format of resultFormats) at = bytes.writeInt16BE(format, at);
  EXECUTE.copy(bytes, at);
  return bytes;
}
