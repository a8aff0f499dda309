import { type Carrier as CarrierModel, lineKinds } from '../numbering/carrier.ts';
import { findCarriers, MAX_NUMBERS } from '../resolvers/carriers.ts';
import { builder } from './builder.ts';
import { described } from './described.ts';

const LineKindEnum = builder.enumType('LineKind', {
  description: 'What kind of line a number leads to, by the numbering plan of its country.',
  values: described(lineKinds),
});

export const Carrier = builder.objectRef<CarrierModel>('Carrier').implement({
  description:
    'Who was given the block of numbers that a number lies in, and what its digits say: country and kind of line. ' +
    'Numbers are ported: the holder of a block was given it by the regulator, and the subscriber may have moved to ' +
    "another operator since, about which no public list tells. Read it as the number's origin, not as today's operator. " +
    'Block, holder and territory are known for French numbers, from the plan that the gateway was given; country and ' +
    'kind for numbers of the whole world. Null is what is not known.',
  fields: (t) => ({
    blockHolder: t.exposeString('blockHolder', {
      description:
        'The name of the operator who was given the block. Not necessarily who serves the number today. Null outside ' +
        'France, for a number of no block, and where the plan or the list of operators is not loaded.',
    }),
    blockHolderCode: t.exposeString('blockHolderCode', {
      description: "The regulator's code of that operator, such as `FRTE`. Text: some look like a number.",
    }),
    territory: t.exposeString('territory', {
      description:
        'Where the block is in use, as the regulator writes it: `Métropole`, `La Réunion`, `National`.',
    }),
    country: t.exposeString('country', {
      description:
        'ISO 3166-1 alpha-2 code, such as `FR` or `RE`, by the digits of the number; `XK` is Kosovo. Null for ' +
        'satellites and other numbers of no country. `Cdr.country` is another thing: the words of the rate.',
    }),
    lineKind: t.expose('lineKind', {
      type: LineKindEnum,
      nullable: true,
      description: 'Null where the digits are not those of a number in use in that country.',
    }),
    prefix: t.exposeString('prefix', {
      description: 'The digits all numbers of the block begin with, national: `0612`, `118000`.',
    }),
  }),
});

builder.queryField('carriers', (t) =>
  t.field({
    type: [Carrier],
    nullable: { list: false, items: true },
    description:
      'Block holder, country and kind of line of each number, position by position; null where nothing is known. For ' +
      'long lists: read the calls without `Cdr.carrier`, which then stream, and ask this for the numbers that are ' +
      'shown, each once. Reads no database, so it answers when every standby is down.',
    args: {
      numbers: t.arg.stringList({
        required: true,
        description:
          `At most ${MAX_NUMBERS}, as in \`Cdr.cld\`: \`33612345678\`, with \`+\` or \`00\` before, or French ` +
          'national, `0612345678`. Spaces, dots and dashes do not matter.',
      }),
    },
    resolve: (_root, { numbers }, context) => findCarriers(context, numbers),
  }),
);
