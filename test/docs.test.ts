import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../src/errors.ts';

const read = (file: string) => readFileSync(file, 'utf8');
const headings = (file: string) => [...read(file).matchAll(/^#{2,3} `([A-Z_]+)`/gm)].map((found) => found[1]);

describe('the documentation says what the code does', () => {
  test('docs/errors.md has a section for every error code, and for nothing else', () => {
    expect(headings('docs/errors.md')).toEqual(Object.keys(errorCodes));
  });
});
