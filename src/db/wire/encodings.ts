import { isUtf8 } from 'node:buffer';

/** How a database keeps text, where that is not UTF-8. */
export interface Encoding {
  /** UTF-8 of stored bytes; undefined for bytes that are no text in it. */
  decode(bytes: Buffer): Buffer | undefined;
  /** What would be stored for a text; undefined when it has a character that cannot be. */
  encode(text: string): Buffer | undefined;
}

/** By PostgreSQL's names. WHATWG's labels for the same, and whether 0x80 to 0x9F are control characters. */
const singleByte: Readonly<Record<string, readonly [label: string, hasControls: boolean]>> = {
  LATIN1: ['windows-1252', true],
  LATIN2: ['iso-8859-2', true],
  LATIN3: ['iso-8859-3', true],
  LATIN4: ['iso-8859-4', true],
  LATIN5: ['windows-1254', true],
  LATIN6: ['iso-8859-10', true],
  LATIN7: ['iso-8859-13', true],
  LATIN8: ['iso-8859-14', true],
  LATIN9: ['iso-8859-15', true],
  LATIN10: ['iso-8859-16', true],
  ISO_8859_5: ['iso-8859-5', true],
  ISO_8859_6: ['iso-8859-6', true],
  ISO_8859_7: ['iso-8859-7', true],
  ISO_8859_8: ['iso-8859-8', true],
  KOI8R: ['koi8-r', false],
  KOI8U: ['koi8-u', false],
  WIN866: ['ibm866', false],
  WIN874: ['windows-874', false],
  WIN1250: ['windows-1250', false],
  WIN1251: ['windows-1251', false],
  WIN1252: ['windows-1252', false],
  WIN1253: ['windows-1253', false],
  WIN1254: ['windows-1254', false],
  WIN1255: ['windows-1255', false],
  WIN1256: ['windows-1256', false],
  WIN1257: ['windows-1257', false],
  WIN1258: ['windows-1258', false],
};

/** Where PostgreSQL's tables differ from WHATWG's. */
const corrections: Readonly<Record<string, ReadonlyMap<number, string | undefined>>> = {
  KOI8U: new Map([
    [0xae, '\u255d'],
    [0xbe, '\u256c'],
  ]),
  WIN1255: new Map([[0xca, undefined]]),
};

const encodings = new Map<string, Encoding>();

/**
 * How to read and write the text of a database of this encoding. Undefined for UTF-8, which needs nothing, and for the
 * encodings of several bytes, which PostgreSQL itself converts.
 */
export function encodingNamed(name: string): Encoding | undefined {
  if (name === 'SQL_ASCII') return anyBytes;
  const known = singleByte[name];
  if (!known) return undefined;
  const encoding = encodings.get(name) ?? createSingleByte(name, ...known);
  encodings.set(name, encoding);
  return encoding;
}

/** Whatever bytes anybody wrote. Those that are UTF-8 are text. */
const anyBytes: Encoding = {
  decode: (bytes) => (isUtf8(bytes) ? bytes : undefined),
  encode: (text) => Buffer.from(text),
};

function createSingleByte(name: string, label: string, hasControls: boolean): Encoding {
  const corrected = corrections[name];
  const characters = Array.from({ length: 256 }, (_, byte) =>
    corrected?.has(byte) ? corrected.get(byte) : characterOf(byte, label, hasControls),
  );
  const decoded = characters.map((character) =>
    character === undefined ? undefined : Buffer.from(character),
  );
  const encoded = new Map(
    characters.flatMap((character, byte) => (character === undefined ? [] : [[character, byte]])),
  );
  return {
    decode(bytes) {
      const parts: Buffer[] = [];
      for (const byte of bytes) {
        const part = decoded[byte];
        if (!part) return undefined;
        parts.push(part);
      }
      return Buffer.concat(parts);
    },
    encode(text) {
      const bytes: number[] = [];
      for (const character of text) {
        const byte = encoded.get(character);
        if (byte === undefined) return undefined;
        bytes.push(byte);
      }
      return Buffer.from(bytes);
    },
  };
}

/** Undefined for a byte that means nothing in this encoding. */
function characterOf(byte: number, label: string, hasControls: boolean): string | undefined {
  if (byte < 0x80 || (hasControls && byte < 0xa0)) return String.fromCharCode(byte);
  const character = new TextDecoder(label).decode(Buffer.from([byte]));
  // WHATWG has control characters where Windows has nothing.
  const isNothing = character === '\ufffd' || (character >= '\u0080' && character < '\u00a0');
  return isNothing ? undefined : character;
}
