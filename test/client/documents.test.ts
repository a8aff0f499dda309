import { globSync, readFileSync } from 'node:fs';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { parse, print, visit } from 'graphql';
import { expect, expectTypeOf, test } from 'vitest';
import { callList, GatewayClient, typedDocument } from '../../packages/client/src/index.ts';
import { printDocument } from '../../packages/client/src/print-document.ts';

const files = globSync(['test/consumers/*.graphql', 'examples/nextjs/src/operations/*.graphql']).sort();

const odd = `
  query Q($a: [Int!]! = [1, 2] @deprecated, $b: In = { text: "a\\"\\\\\\n\\u00e9", n: null, e: RED, f: 1.5e3, on: true }) @live(if: $a) {
    alias: field(list: [], object: {}, block: """
      two
        lines "quoted"
    """) @include(if: true) @skip(if: $b) { id ...F @x ... on T @y(z: [$a, { b: $b }]) { id } ... { id } ... @include(if: $a) { id } }
  }
  mutation { m } subscription S { s }
  fragment F on T @z { id }`;

test.each([...files.map((file) => [file, readFileSync(file, 'utf8')] as const), ['odd', odd] as const])(
  'a document of graphql-js is sent with the meaning it has: %s',
  (_, text) => {
    // How a string is quoted is no part of its meaning.
    const document = visit(parse(text), { StringValue: (node) => ({ ...node, block: false }) });
    expect(print(parse(printDocument(document)))).toBe(print(document));
  },
);

test('what is no document to execute is refused', () => {
  expect(() => printDocument(parse('type A { b: Int }'))).toThrow(TypeError);
});

test('each way of typing a document says what comes and what it takes', () => {
  const gateway = new GatewayClient({ url: 'http://gateway.invalid' });
  type Result = { cdr: { id: string } | null };
  const node = parse('query ($id: ID!) { cdr(id: $id) { id } }') as TypedDocumentNode<Result, { id: string }>;
  const text = typedDocument<Result, { id: string }>('query ($id: ID!) { cdr(id: $id) { id } }');
  const ofNode = () => gateway.execute(node, { id: '1' });
  const ofText = () => gateway.execute(text, { id: '1' });
  expectTypeOf<Awaited<ReturnType<typeof ofNode>>['data']>().toEqualTypeOf<Result>();
  expectTypeOf<Awaited<ReturnType<typeof ofText>>['data']>().toEqualTypeOf<Result>();

  const calls = () => gateway.streamCalls(callList(['id', 'cli', 'billedSeconds']));
  type Call = ReturnType<typeof calls> extends AsyncIterable<infer Each> ? Each : never;
  expectTypeOf<Call>().toEqualTypeOf<{
    readonly id: string;
    readonly cli: string | null;
    readonly billedSeconds: number | null;
  }>();
});
