import { globSync, readFileSync } from 'node:fs';
import {
  type DocumentNode,
  type FieldNode,
  Kind,
  parse,
  print,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { createExamples } from '../src/graphiql/examples.ts';
import { schema } from '../src/schema/index.ts';

/** A query that people copy: from a page of documentation, from GraphiQL, from a dashboard. */
interface Shown {
  readonly where: string;
  readonly text: string;
}

const pages = ['README.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/nextjs/README.md'].flatMap(
  (pattern) => globSync(pattern),
);

const inPages = pages.flatMap((where): Shown[] => {
  const page = readFileSync(where, 'utf8');
  const blocks = [...page.matchAll(/^```graphql\n([\s\S]*?)^```$/gm)].map((found) => found[1]!);
  // As they are sent by curl: JSON between single quotes.
  const sent = [...page.matchAll(/(?:-d|--data) '(\{"query":[\s\S]*?\})'/g)].map(
    (found) => JSON.parse(found[1]!.replaceAll('\n', ' ')).query as string,
  );
  return [...blocks, ...sent].map((text) => ({ where, text }));
});

const examples = createExamples({ now: new Date('2026-01-05T09:00:00Z'), timeZone: 'Europe/Paris' }).map(
  (text): Shown => ({ where: 'GraphiQL', text }),
);

const inDashboards = globSync('docker/grafana/dashboards/**/*.json').flatMap((where): Shown[] => {
  const queries = readFileSync(where, 'utf8').matchAll(/"body_graphql_query": ("(?:\\.|[^"\\])*")/g);
  return [...queries].map((found) => ({
    where,
    text: (JSON.parse(found[1]!) as string)
      .replaceAll(/\$\{\w+:json\}/g, '[]')
      .replaceAll(/\$\{bucket\}/g, 'HOUR')
      .replaceAll(/\$\{zone\}/g, 'UTC')
      .replaceAll(/\$\{__\w+\}/g, '1767603600000'),
  }));
});

const all = [...inPages, ...examples, ...inDashboards].map((shown) => ({
  ...shown,
  document: parse(shown.text),
}));

const namesOf = (field: FieldNode | undefined) =>
  field?.selectionSet?.selections.flatMap((one) => (one.kind === Kind.FIELD ? [one.name.value] : [])) ?? [];

/** Amounts whose currency the query does not tell: where several are added, or shown side by side, nobody sees it. */
function amountsWithoutCurrency(document: DocumentNode): string[] {
  const found: string[] = [];
  const types = new TypeInfo(schema);
  const path: FieldNode[] = [];
  visit(
    document,
    visitWithTypeInfo(types, {
      Field: {
        enter(field) {
          const parent = path.at(-1);
          path.push(field);
          if (field.name.value !== 'chargedAmount') return;
          if (!namesOf(parent).some((name) => ['currency', 'amountsByCurrency'].includes(name)))
            found.push(`${types.getParentType()} in ${print(path[0]!)}`);
        },
        leave() {
          path.pop();
        },
      },
    }),
  );
  return found;
}

describe('a query that is shown to be copied', () => {
  test('is found, wherever it is shown', () => {
    expect(inPages.map(({ where }) => where)).toEqual(
      expect.arrayContaining(['README.md', 'docs/clients.md', 'docs/files.md', 'docs/live.md']),
    );
    expect(examples.length).toBe(5);
    expect(inDashboards.length).toBeGreaterThan(10);
  });

  test.each(all)('fits the schema: $where, $text', ({ document }) => {
    expect(validate(schema, document)).toEqual([]);
  });

  test.each(all)('has the currency of its amounts: $where, $text', ({ document }) => {
    expect(amountsWithoutCurrency(document)).toEqual([]);
  });
});

test('amounts without a currency would be found', () => {
  const without =
    '{ cdrStats(groupBy: [COUNTRY]) { rows { country chargedAmount } } cdrs { nodes { id chargedAmount } } }';
  expect(amountsWithoutCurrency(parse(without))).toHaveLength(2);
  const within =
    '{ cdrStats { totals { chargedAmount currency amountsByCurrency { currency chargedAmount } } } }';
  expect(amountsWithoutCurrency(parse(within))).toEqual([]);
});
