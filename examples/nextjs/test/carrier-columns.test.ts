import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Carrier } from '../src/carriers/ask-carriers.ts';
import { withCarriers } from '../src/download/carrier-columns.ts';

const carrierOf = (number: string): Carrier | null =>
  number.startsWith('33')
    ? {
        blockHolder: 'Cigale, "Télécom"',
        blockHolderCode: 'EX03',
        territory: null,
        country: 'FR',
        lineKind: 'FIXED',
      }
    : null;

type Ask = (numbers: readonly string[]) => Promise<readonly (Carrier | null)[]>;

async function write(parts: readonly string[], ask: Ask, batch = 2) {
  let text = '';
  let isFinished = false;
  const sink = withCarriers({
    sink: {
      async write(bytes) {
        text += new TextDecoder().decode(bytes);
      },
      async finish() {
        isFinished = true;
      },
      async discard() {},
    },
    ask,
    batch,
    pauseMillis: 1,
  });
  for (const part of parts) await sink.write(new TextEncoder().encode(part));
  await sink.finish();
  assert.equal(isFinished, true);
  return { text, missed: sink.missed };
}

describe('carriers in a file', () => {
  test('stand behind each call, asked for by thousands and each number once', async () => {
    const asked: string[][] = [];
    const { text, missed } = await write(
      ['id,cld,cause\r\n1,331,16\r\n2,441,16\r\n', '3,331,17\r\n4,,17\r\n', '5,332,16\r\n'],
      async (numbers) => {
        asked.push([...numbers]);
        return numbers.map(carrierOf);
      },
    );
    const holder = '"Cigale, ""Télécom""",EX03,FIXED';
    assert.equal(
      text,
      `id,cld,cause,blockHolder,blockHolderCode,lineKind\r\n1,331,16,${holder}\r\n2,441,16,,,\r\n3,331,17,${holder}\r\n4,,17,,,\r\n5,332,16,${holder}\r\n`,
    );
    assert.deepEqual(asked, [['331', '441'], ['332']]);
    assert.equal(missed, 0);
  });

  test('are found by the called number where values hold commas, quotes and line ends', async () => {
    const { text } = await write(
      ['id,reason,cld\r\n1,"no, ""never""\r\nagain","+331"\r\n'],
      async (numbers) => {
        assert.deepEqual(numbers, ['+331']);
        return [carrierOf('331')];
      },
    );
    assert.match(text, /again","\+331","Cigale/);
  });

  test('are looked up once more when that fails', async () => {
    let calls = 0;
    const { text, missed } = await write(['id,cld\r\n1,331\r\n'], async (numbers) => {
      calls += 1;
      if (calls < 3) throw new Error('too many requests');
      return numbers.map(carrierOf);
    });
    assert.match(text, /EX03/);
    assert.equal(missed, 0);
  });

  test('are left empty when that goes on, and counted; the file is whole', async () => {
    let calls = 0;
    const { text, missed } = await write(['id,cld\r\n1,331\r\n2,332\r\n3,333\r\n4,\r\n'], async () => {
      calls += 1;
      throw new Error('down');
    });
    assert.equal(text.split('\r\n')[3], '3,333,,,');
    assert.equal(missed, 3);
    assert.equal(calls, 3, 'and nobody is asked again');
  });

  test('end with the file when it is cancelled', async () => {
    const cancelled = async () => {
      throw new DOMException('cancelled', 'AbortError');
    };
    await assert.rejects(write(['id,cld\r\n1,331\r\n'], cancelled), { name: 'AbortError' });
  });
});
