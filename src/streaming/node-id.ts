import { writeBase64Url, writeBytes, writeInt8 } from './wire-text.ts';

/** Types whose objects have an id that is theirs alone in the whole API. */
export const nodeTypes = ['Cdr', 'Account', 'Customer'] as const;
export type NodeType = (typeof nodeTypes)[number];

/** An object by its type and plain id. */
export interface NodeKey {
  readonly type: NodeType;
  /** Decimal digits of a bigint. */
  readonly id: string;
}

/** `Account:14` as base64url: the same on every standby and gateway, and after every restart. */
export function encodeNodeId({ type, id }: NodeKey): string {
  return Buffer.from(`${type}:${id}`, 'latin1').toString('base64url');
}

/** Undefined for what is none: each object has one such id, written in one way. */
export function decodeNodeId(nodeId: string): NodeKey | undefined {
  const bytes = Buffer.from(nodeId, 'base64url');
  if (bytes.toString('base64url') !== nodeId) return undefined;
  const [name, id = '', ...rest] = bytes.toString('latin1').split(':');
  const type = nodeTypes.find((each) => each === name);
  return type && rest.length === 0 ? { type, id } : undefined;
}

/** Characters of the longest: see MAX_VALUE. */
const MAX_INT8_DIGITS = 20;

/** Writes the ids of objects of one type, each from an int8, without a string in between. */
export class NodeIdWriter {
  /** Base64 has the same text for every three bytes, so that those of the type's name are always the same. */
  readonly #beginning: Buffer;
  /** What is left of the name, then the digits. */
  readonly #bytes: Buffer;
  readonly #digitsAt: number;

  constructor(type: NodeType) {
    const name = Buffer.from(`${type}:`, 'latin1');
    this.#digitsAt = name.length % 3;
    const whole = name.length - this.#digitsAt;
    this.#beginning = Buffer.from(name.toString('base64url', 0, whole), 'latin1');
    this.#bytes = Buffer.alloc(this.#digitsAt + MAX_INT8_DIGITS);
    name.copy(this.#bytes, 0, whole);
  }

  /** Returns where it ends. */
  write(block: Buffer, to: number, source: Buffer, at: number): number {
    const bytes = this.#bytes;
    const end = writeInt8(bytes, this.#digitsAt, source, at);
    return writeBase64Url(block, writeBytes(block, to, this.#beginning), bytes, end);
  }
}
