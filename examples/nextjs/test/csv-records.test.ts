import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CsvRecords, noticeOf } from '../src/download/csv-records.ts';

const encoder = new TextEncoder();

/** Everything that a file would hold, for the text cut into chunks of `length` bytes. */
function read(text: string, length: number, skipsHeader = false) {
  const records = new CsvRecords({ skipsHeader });
  const bytes = encoder.encode(text);
  const written: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length)
    written.push(records.take(bytes.subarray(at, at + length)));
  const { bytes: last, ...end } = records.end();
  return { text: Buffer.concat([...written, last]).toString('utf8'), rows: records.rows, ...end };
}

const NOTHING = { calls: 0, values: 0 };

const file = 'id,cli\r\n"1","33é"\r\n"2","say ""hi""\r\nthere"\r\n"3",\r\n';

test('a whole file passes unchanged and its calls are counted, wherever it is cut', () => {
  for (let length = 1; length <= file.length; length++) {
    assert.deepEqual(read(file, length), {
      text: file,
      rows: 3,
      brokenOff: undefined,
      unreadable: NOTHING,
      isCut: false,
    });
  }
});

test('the notice of a list that broke off is read and not written', () => {
  const notice =
    '# INCOMPLETE code=REPLICA_LOST rows=3 unreadableCalls=0 unreadableValues=0 resumeAfter=v2.abc-_=\r\n';
  for (let length = 1; length <= file.length + notice.length; length++) {
    assert.deepEqual(read(file + notice, length), {
      text: file,
      rows: 3,
      brokenOff: { code: 'REPLICA_LOST', resumeAfter: 'v2.abc-_=' },
      unreadable: NOTHING,
      isCut: false,
    });
  }
});

test('calls and values that no file can hold are counted', () => {
  const { rows, brokenOff, unreadable, text } = read(file + noticeOf(3, { calls: 2, values: 5 }), 7);
  assert.deepEqual([rows, brokenOff, unreadable], [3, undefined, { calls: 2, values: 5 }]);
  assert.equal(text, file);
});

test('a call whose number looks like the notice is a call', () => {
  const call = '"4","# INCOMPLETE code=X rows=1 resumeAfter="\r\n';
  assert.deepEqual([read(file + call, 5).rows, read(file + call, 5).brokenOff], [4, undefined]);
});

test('the part that continues a file comes without its header', () => {
  for (let length = 1; length <= file.length; length++) {
    assert.equal(read(file, length, true).text, file.slice('id,cli\r\n'.length));
    assert.equal(read(file, length, true).rows, 3);
  }
});

test('a line without an end says that the connection was cut', () => {
  assert.equal(read(`${file}"4","33`, 5).isCut, true);
});

test('a file of no calls is its header', () => {
  assert.deepEqual(read('id,cli\r\n', 3), {
    text: 'id,cli\r\n',
    rows: 0,
    brokenOff: undefined,
    unreadable: NOTHING,
    isCut: false,
  });
});
