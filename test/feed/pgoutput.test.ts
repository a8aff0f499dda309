import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RowShapeError } from '../../src/db/wire/data-row.ts';
import { type ChangedRelation, PgOutputDecoder, type RowChange } from '../../src/db/wire/pgoutput.ts';

/** Written as PostgreSQL's manual has it, "Logical Replication Message Formats". */
const int16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
const text = (value: string) => Buffer.from(`${value}\0`);
const mark = (value: string) => Buffer.from(value, 'latin1');

type Value = string | null | undefined;

function tuple(values: readonly Value[]): Buffer {
  const written = values.map((value) => {
    if (value === null) return mark('n');
    if (value === undefined) return mark('u');
    const bytes = Buffer.from(value);
    return Buffer.concat([mark('t'), int32(bytes.length), bytes]);
  });
  return Buffer.concat([int16(values.length), ...written]);
}

const COLUMNS = ['i_xdr', 'cld', 'i_account', 'note'];

function relation(identity: string, keys: readonly string[]): Buffer {
  const columns = COLUMNS.map((name) =>
    Buffer.concat([Buffer.from([keys.includes(name) ? 1 : 0]), text(name), int32(25), int32(-1)]),
  );
  const head = [mark('R'), int32(7), text('public'), text('xdrs'), mark(identity), int16(COLUMNS.length)];
  return Buffer.concat([...head, ...columns]);
}

const begin = (lsn: bigint) => Buffer.concat([mark('B'), int64(lsn), int64(0n), int32(1)]);
const commit = (lsn: bigint, end: bigint) =>
  Buffer.concat([mark('C'), Buffer.from([0]), int64(lsn), int64(end), int64(0n)]);
const insert = (values: readonly Value[]) => Buffer.concat([mark('I'), int32(7), mark('N'), tuple(values)]);

function decode(messages: readonly Buffer[]) {
  const changes: RowChange[] = [];
  const commits: bigint[] = [];
  const truncated: ChangedRelation[] = [];
  const decoder = new PgOutputDecoder({
    wants: () => ['i_xdr', 'i_account', 'i_customer'],
    change: (change) => changes.push(change),
    commit: (lsn) => commits.push(lsn),
    truncate: (relation) => truncated.push(relation),
  });
  for (const message of messages) decoder.decode(message, 0);
  return { changes, commits, truncated };
}

describe('what pgoutput says is read', () => {
  test('as wanted: values in the order of those who want them, undefined where the stream lacks them', () => {
    const { changes, commits } = decode([
      begin(90n),
      relation('i', ['i_xdr', 'i_account']),
      insert(['12', 'é', '14', null]),
      commit(90n, 99n),
    ]);
    expect(changes).toMatchObject([
      { kind: 'insert', commitLsn: 90n, row: ['12', '14', undefined], old: undefined },
    ]);
    expect(commits).toEqual([99n]);
  });

  test('an old key says nothing of what is no part of it', () => {
    const old = Buffer.concat([mark('K'), tuple(['12', null, null, null])]);
    const { changes } = decode([
      begin(1n),
      relation('d', ['i_xdr']),
      Buffer.concat([mark('U'), int32(7), old, mark('N'), tuple(['13', 'x', '14', undefined])]),
      Buffer.concat([mark('D'), int32(7), old]),
      Buffer.concat([mark('D'), int32(7), mark('O'), tuple(['12', null, '15', null])]),
      Buffer.concat([mark('T'), int32(1), Buffer.from([0]), int32(7)]),
    ]);
    expect(changes.map(({ kind, row, old }) => [kind, row, old])).toEqual([
      ['update', ['13', '14', undefined], ['12', undefined, undefined]],
      ['delete', undefined, ['12', undefined, undefined]],
      ['delete', undefined, ['12', '15', undefined]],
    ]);
  });

  test('of the rows that were written, none is missing and none is changed', () => {
    const value = fc.option(fc.string({ unit: 'grapheme', maxLength: 40 }), { nil: null });
    const rows = fc.array(
      fc.tuple(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), value, fc.bigInt(0n, 99n), value),
    );
    fc.assert(
      fc.property(rows, (written) => {
        const messages = written.map(([key, cld, account, note]) =>
          insert([String(key), cld, String(account), note]),
        );
        const { changes } = decode([begin(1n), relation('d', ['i_xdr']), ...messages, commit(1n, 2n)]);
        expect(changes.map(({ row }) => row!.slice(0, 2))).toEqual(
          written.map(([key, , account]) => [String(key), String(account)]),
        );
      }),
    );
  });

  test('what is cut off or changed is refused, or says something else, and never does harm', () => {
    const head = [begin(1n), relation('i', ['i_xdr', 'i_account'])];
    const whole = insert(['12', 'x', '14', 'y']);
    for (let length = 1; length < whole.length - 6; length++) {
      expect(() => decode([...head, whole.subarray(0, length)])).toThrow(RowShapeError);
    }
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const spoilt = Buffer.from(whole);
        spoilt[at] = byte;
        try {
          decode([...head, spoilt]);
        } catch (error) {
          expect(error).toBeInstanceOf(RowShapeError);
        }
      }),
    );
  });
});
