import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { csvFormat } from '../src/download/csv-records.ts';
import { downloadList, type Page } from '../src/download/download-list.ts';
import type { FileFormat } from '../src/download/file-records.ts';
import { LineRecords, lineFormat, noticeIn } from '../src/download/line-records.ts';

const encoder = new TextEncoder();

/** Everything that a file would hold, for the text cut into chunks of `length` bytes. */
function read(text: string, length: number) {
  const records = new LineRecords();
  const bytes = encoder.encode(text);
  const written: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length)
    written.push(records.take(bytes.subarray(at, at + length)));
  const { bytes: last, ...end } = records.end();
  return { text: Buffer.concat([...written, last]).toString('utf8'), rows: records.rows, ...end };
}

const lines = '{"id":"1","cli":"33é"}\n{"id":"2"}\n{"id":"3","error2":1}\n';
const noticeLine = (code: string, resumeAfter: string | null, calls = 0, values = 0) =>
  `${JSON.stringify({ error: { code, message: 'm', rows: 3, unreadableCalls: calls, unreadableValues: values, resumeAfter } })}\n`;

describe('lines', () => {
  test('pass unchanged and are counted, wherever they are cut', () => {
    for (let length = 1; length <= lines.length + 2; length++) {
      assert.deepEqual(read(lines, length), {
        text: lines,
        rows: 3,
        brokenOff: undefined,
        unreadable: { calls: 0, values: 0 },
        isCut: false,
      });
    }
    assert.equal(read('', 1).rows, 0);
  });

  test('of a list that broke off come without the notice', () => {
    const notice = noticeLine('REPLICA_LOST', 'v2.abc', 1);
    for (let length = 1; length <= lines.length + notice.length; length += 3) {
      const { text, rows, brokenOff, unreadable } = read(lines + notice, length);
      assert.deepEqual([text, rows, brokenOff], [lines, 3, { code: 'REPLICA_LOST', resumeAfter: 'v2.abc' }]);
      assert.deepEqual(unreadable, { calls: 1, values: 0 });
    }
    assert.equal(read(noticeLine('REPLICA_LOST', null), 5).rows, 0);
  });

  test('without an end say that the connection was cut', () => {
    assert.equal(read(`${lines}{"id":`, 5).isCut, true);
    assert.equal(read('{"id":', 5).isCut, true);
  });

  test('are no notice when a value looks like one', () => {
    assert.equal(noticeIn('{"id":"{\\"error\\":1}"}'), undefined);
    assert.deepEqual(noticeIn(noticeLine('X', null, 2, 3)), { calls: 2, values: 3 });
  });
});

/** Downloads what these answers hold, one after the other. */
async function download(format: FileFormat, answers: readonly string[]) {
  const pages: (Page | undefined)[] = [];
  const written: Uint8Array[] = [];
  let state = 'open';
  const downloading = downloadList({
    first: 10,
    format,
    async request(page) {
      pages.push(page);
      return { body: new Blob([answers[pages.length - 1]!]).stream() as ReadableStream<Uint8Array> };
    },
    sink: {
      async write(bytes) {
        written.push(bytes.slice());
      },
      async finish() {
        state = 'finished';
      },
      async discard() {
        state = 'discarded';
      },
    },
    onProgress() {},
  });
  const downloaded = await downloading.catch((error: unknown) => ({ error: error as { code: string } }));
  return { downloaded, pages, state, text: Buffer.concat(written).toString('utf8') };
}

describe('a list that breaks off', () => {
  test('is continued in the same file, and what is missing of all parts is in its last line', async () => {
    const { downloaded, pages, state, text } = await download(lineFormat, [
      `{"id":"1"}\n{"id":"2"}\n${noticeLine('REPLICA_LOST', 'cursor', 1, 2)}`,
      `{"id":"3"}\n${noticeLine('UNREADABLE_VALUE', null, 0, 1)}`,
    ]);
    assert.deepEqual(downloaded, { rows: 3, unreadable: { calls: 1, values: 3 } });
    assert.deepEqual(pages, [
      { first: 10, after: null },
      { first: 7, after: 'cursor' },
    ]);
    assert.equal(state, 'finished');
    const [one, two, three, notice] = text.trimEnd().split('\n');
    assert.deepEqual([one, two, three], ['{"id":"1"}', '{"id":"2"}', '{"id":"3"}']);
    assert.deepEqual(noticeIn(notice!), { calls: 1, values: 3 });
  });

  test('for good leaves no file', async () => {
    const { downloaded, state } = await download(lineFormat, [
      `{"id":"1"}\n${noticeLine('REPLICA_LOST', null)}`,
    ]);
    assert.equal('error' in downloaded && downloaded.error.code, 'REPLICA_LOST');
    assert.equal(state, 'discarded');
  });
});

test('a list without the names that could not be looked up is whole but for these', async () => {
  const asLines = await download(lineFormat, [
    `{"id":"1"}\n${noticeLine('NO_REPLICA_AVAILABLE', null, 0, 1)}`,
  ]);
  assert.deepEqual(asLines.downloaded, { rows: 1, unreadable: { calls: 0, values: 1 } });
  const asCsv = await download(csvFormat, [
    'id\r\n"1"\r\n# INCOMPLETE code=NO_REPLICA_AVAILABLE rows=1 unreadableCalls=0 unreadableValues=1 resumeAfter=\r\n',
  ]);
  assert.deepEqual(asCsv.downloaded, { rows: 1, unreadable: { calls: 0, values: 1 } });
  assert.match(asCsv.text, /^id\r\n"1"\r\n# INCOMPLETE code=UNREADABLE_VALUE rows=1 /);
});
