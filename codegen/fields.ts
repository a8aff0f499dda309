import type { GraphQLObjectType } from 'graphql';
import { type CdrColumnName, cdrColumn, cdrColumnNames } from '../src/db/sources/cdr-columns.ts';
import { schema } from '../src/schema/index.ts';

/** docs/fields.md, from the declarations of the columns and the fields that show them. */
export const fieldsFiles: Readonly<Record<string, () => string>> = {
  'docs/fields.md': () => `${INTRODUCTION}\n${table()}`,
};

const INTRODUCTION = `<!-- Written by "npm run schema" from src/db/sources/cdr-columns.ts. -->

# Fields of a call

Each field of \`Cdr\` that is read from the switch, in the order of the table. A \`!\` says that it is never null. The columns
named in bold must be there, or the gateway does not start; a value whose column is missing is null, and \`npm run doctor\`
says which are. What of a Sippy may be missing with its whole table (\`calls\`, \`accounts\`, \`destinations\`, \`countries\`) is
null then, too.

\`currency\`, of all amounts of a call, is that of its account: \`accounts.currency\`, or \`payment_currency\`, or \`iso_4217\`. It is
null where the account is unknown or has none. \`nodeId\` is made of the key, \`id\`: see [clients.md](clients.md).

\`CDR_SOURCE=xdrs\` reads one table, \`CDR_SOURCE=sippy\` reads \`cdrs\` and what can be joined to it.
`;

function table(): string {
  const fields = Object.values((schema.getType('Cdr') as GraphQLObjectType).getFields());
  const rows = cdrColumnNames.map((column) => {
    const field = fields.find(({ extensions }) => extensions.column === column);
    if (!field) throw new Error(`No field of Cdr shows the column ${column}.`);
    const { meaning } = cdrColumn(column);
    const cells = [`\`${field.name}\``, `\`${field.type}\``, inXdrs(column), inSippy(column), meaning];
    return `| ${cells.join(' | ')} |\n`;
  });
  return `| field | type | of \`xdrs\` | of a Sippy | meaning |\n| --- | --- | --- | --- | --- |\n${rows.join('')}`;
}

function inXdrs(column: CdrColumnName): string {
  const { requiredBy, type } = cdrColumn(column);
  if (column === 'outcome') return 'worked out from `disconnect_cause` and `duration`';
  const name = requiredBy?.includes('xdrs') ? `**\`${column}\`**` : `\`${column}\``;
  return `${name} ${type}`;
}

function inSippy(column: CdrColumnName): string {
  const { requiredBy, sippy } = cdrColumn(column);
  if (sippy === null) return '–';
  return requiredBy?.includes('sippy') ? `**${sippy.from}**` : sippy.from;
}
