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

/** Execute the unnamed portal to its end, then Sync: both always the same. */
const EXECUTE_AND_SYNC = Buffer.from('450000000900000000005300000004', 'hex');

/** The protocol's Bind message to the unnamed portal, and what has it executed: one write instead of three. */
export function encodeExecution({ statement, values, formats: resultFormats }: Binding): Buffer {
  const name = Buffer.byteLength(statement);
  const lengths = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)));
  const parameters = lengths.reduce((sum, length) => sum + 4 + Math.max(length, 0), 0);
  const bindBytes = 1 + 4 + 1 + name + 1 + 2 + 2 + parameters + 2 + 2 * resultFormats.length;
  const message = Buffer.allocUnsafe(bindBytes + EXECUTE_AND_SYNC.length);
  let at = message.write('B');
  at = message.writeInt32BE(bindBytes - 1, at);
  at = message.writeUInt8(0, at);
  at += message.write(statement, at);
  at = message.writeUInt8(0, at);
  // No parameter formats: all are text.
  at = message.writeInt16BE(0, at);
  at = message.writeInt16BE(values.length, at);
  values.forEach((value, index) => {
    at = message.writeInt32BE(lengths[index]!, at);
    if (value !== null) at += message.write(value, at);
  });
  at = message.writeInt16BE(resultFormats.length, at);
  for (const format of resultFormats) at = message.writeInt16BE(format, at);
  EXECUTE_AND_SYNC.copy(message, at);
  return message;
}
