import type { FuzzClient, Principal } from './fuzz-client.ts';
import type { Random } from './random.ts';
import { assertSame } from './same.ts';

/** A value in the form that both a document and JSON have it, and what must become of it. */
interface Written {
  readonly text: string;
  /** The code that refuses it, in a variable; or another form of the same value. */
  readonly is: { readonly refused: string } | { readonly text: string };
}

const refused = (text: string, code = 'INVALID_ARGUMENT'): Written => ({ text, is: { refused: code } });
const same = (text: string, other: string): Written => ({ text, is: { text: other } });

/** By the part of a filter that takes it, with the type of a variable and what is around the value. */
const written: readonly {
  readonly type: string;
  readonly part: string;
  readonly values: readonly Written[];
}[] = [
  {
    type: '[ID!]',
    part: 'accountIds',
    values: [
      same('14.0', '["14"]'),
      same('1.4e1', '["14"]'),
      same('[14, "15"]', '["15", "14"]'),
      same('"9007199254740993"', '["9007199254740993"]'),
      refused('9007199254740993'),
      refused('[1e300]'),
      refused('14.5'),
      refused('"14.0"'),
    ],
  },
  {
    type: 'DateTime',
    part: 'from',
    values: [
      same('1767603605000', '"2026-01-05T09:00:05Z"'),
      same('1.767603605e12', '"2026-01-05T09:00:05Z"'),
      same('1767603605000.5', '"2026-01-05T09:00:05.0005Z"'),
      same('"1767603605000"', '"2026-01-05T10:00:05+01:00"'),
      refused('1767603605', 'INVALID_TIME_RANGE'),
      refused('1.767603605e9', 'INVALID_TIME_RANGE'),
      refused('"1767603605"', 'INVALID_TIME_RANGE'),
      refused('1e300'),
      refused('"2026-01-05"'),
    ],
  },
  {
    type: 'Decimal',
    part: 'minDurationSeconds',
    values: [
      same('".5"', '"0.5"'),
      same('1e12', '"1000000000000"'),
      same('0.5e1', '"5"'),
      same('"10e-1"', '1'),
      same('2.50', '"2.5"'),
      refused('9007199254740993'),
      refused('"NaN"'),
    ],
  },
  {
    type: '[Int!]',
    part: 'disconnectCauses',
    values: [
      same('16.0', '[16]'),
      same('1.6e1', '16'),
      refused('2147483648'),
      refused('16.5'),
      refused('"16"'),
    ],
  },
];

/** A value is the same wherever it is written, in the document or in a variable, or is refused in both. */
export async function checkValues(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const { type, part, values } = random.pick(written);
  for (const { text, is } of random.some(values, 4)) {
    const inDocument = (value: string) =>
      `{ cdrs(first: 100, filter: { ${part}: ${value} }) { nodes { id } } }`;
    const inVariable = `query ($value: ${type}) { cdrs(first: 100, filter: { ${part}: $value }) { nodes { id } } }`;
    const variables = { value: JSON.parse(text) as unknown };
    if ('refused' in is) {
      const codes = [
        await client.refusal(inDocument(text), principal),
        await client.refusal(inVariable, principal, variables),
      ];
      // What no type takes is refused where the document is validated.
      const codeInDocument = is.refused === 'INVALID_ARGUMENT' ? 'GRAPHQL_VALIDATION_FAILED' : is.refused;
      if (codes[0] !== is.refused) assertSame(codes[0], codeInDocument, inDocument(text));
      assertSame(codes[1], is.refused, `${inVariable} with ${text}`);
      continue;
    }
    const wanted = await client.quietAnswer(inDocument(is.text), principal, 'executed');
    const first = await client.quietAnswer(inDocument(text), principal, 'executed');
    const second = await client.quietAnswer(inVariable, principal, 'executed', variables);
    assertSame(first.data, wanted.data, inDocument(text));
    assertSame(second.data, wanted.data, `${inVariable} with ${text}`);
  }
}
