/** A minute of one processor, so by `npm run test:long`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSheet } from '../../src/download/encode-sheet.ts';
import type { SheetOptions } from '../../src/download/sheet.ts';
import { readXlsx } from '../read-xlsx.ts';

test('a sheet that is full is followed by another one with the same head', async () => {
  const BATCH = 4096;
  // With its head a sheet has 1,048,576 rows, so the last of as many calls is beyond it.
  async function* pieces() {
    const piece = new TextEncoder().encode('{"cld":"33612345678"}\n'.repeat(BATCH));
    for (let count = 0; count < 1_048_576 / BATCH; count++) yield piece;
  }
  const options: SheetOptions = {
    kind: 'xlsx',
    columns: [{ header: 'Called', path: ['cld'], kind: 'text', width: 18 }],
    zone: 'UTC',
    locale: 'en',
    name: 'Calls',
    incomplete: '',
  };
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeSheet(options, pieces(), { shortened: 0 })) chunks.push(chunk);
  const sheets = readXlsx(Buffer.concat(chunks));
  assert.deepEqual(
    sheets.map(({ rows }) => rows),
    [1_048_576, 2],
  );
  for (const sheet of sheets) assert.equal(sheet.row(1).get('A')?.value, 'Called');
  assert.equal(sheets[1]!.row(2).get('A')?.value, '33612345678');
});
