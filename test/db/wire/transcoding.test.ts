import { expect, test } from 'vitest';
import { encodeExecution, encodePreparation } from '../../../src/db/wire/bind-message.ts';
import { encodingNamed } from '../../../src/db/wire/encodings.ts';
import { StatementNames } from '../../../src/db/wire/statement-names.ts';
import { Transcoding } from '../../../src/db/wire/transcoding.ts';

const byPlaces = 'select i_xdr from xdrs where country = any($1::text[])';

test('keeps nothing of statements that were closed, nor of those without arrays', () => {
  const transcoding = new Transcoding(encodingNamed('LATIN1')!);
  const names = new StatementNames();
  for (let index = 0; index < 2000; index++) {
    const text = `${byPlaces} or ${index} = 1`;
    const { name, replaced } = names.of(text);
    transcoding.outgoing(encodePreparation(name, text));
    if (replaced !== undefined) transcoding.outgoing(encodePreparation(replaced, 'select 1'));
  }
  expect(transcoding.kept).toBe(200);
  transcoding.outgoing(encodePreparation('', byPlaces));
  transcoding.outgoing(encodePreparation('', 'select 1'));
  expect(transcoding.kept).toBe(200);
});

test('knows the arrays of a statement that is prepared anew', () => {
  const transcoding = new Transcoding(encodingNamed('LATIN1')!);
  const execution = encodeExecution({ statement: 'places', values: ['{"Côte","東京"}'], formats: [0] });
  for (const text of [byPlaces, byPlaces.replace('i_xdr', 'i_account')]) {
    transcoding.outgoing(encodePreparation('places', text));
    const sent = transcoding.outgoing(execution);
    expect(sent.includes(Buffer.from('{"Côte",NULL}', 'latin1'))).toBe(true);
  }
});
