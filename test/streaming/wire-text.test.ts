import { describe, expect, test } from 'vitest';
import { viewOf, writeDoubling, writeJsonText } from '../../src/streaming/wire-text.ts';

/** What a function writes of a text that lies in the midst of other bytes. */
function written(write: typeof writeJsonText, text: string): string {
  const bytes = Buffer.from(text);
  const source = Buffer.concat([Buffer.from('"\\"'), bytes, Buffer.from('"\\"')]);
  const block = Buffer.alloc(6 * bytes.length + 1);
  const end = write(block, viewOf(block), 1, source, viewOf(source), 3, 3 + bytes.length);
  return block.toString('utf8', 1, end);
}

const characters = [...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)), 'é', '漢', '😀'];
/** Each character at each place of a word of four bytes, also as the last of a text. */
const texts = characters.flatMap((character) =>
  ['', 'a', 'ab', 'abc', 'abcd'].flatMap((before) =>
    ['', 'z', 'yz', 'xyz', 'wxyz', `w${character}yz`].map((after) => `${before}${character}${after}`),
  ),
);

describe('text that is copied four bytes at a time', () => {
  test('is escaped as JSON has it, wherever the character is', () => {
    for (const text of texts) expect(`"${written(writeJsonText, text)}"`).toBe(JSON.stringify(text));
  });

  test('has its quotes doubled, wherever they are', () => {
    for (const text of texts) expect(written(writeDoubling, text)).toBe(text.replaceAll('"', '""'));
  });
});
