import {
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { type ErrorCode, errorCodes, errorTraits } from '../src/errors.ts';
import { schema } from '../src/schema/index.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];
const generated = (name: string) => `packages/client/src/generated/${name}.ts`;

/** What the client knows of the gateway: its error codes as classes, and the types of a list of calls. */
export const clientFiles: Readonly<Record<string, () => string>> = {
  [generated('error-classes')]: printErrorClasses,
  [generated('retryable-codes')]: printRetryableCodes,
  [generated('schema')]: printTypes,
};

const HEADER = '// Written by "npm run schema" from src/errors.ts.\n\n';

function printErrorClasses(): string {
  const classes = codes.map(
    (code) =>
      `/** ${errorTraits(code).meaning} */\nexport class ${classNameOf(code)} extends GatewayError<'${code}'> {}\n`,
  );
  return [
    HEADER,
    "import { GatewayError } from '../gateway-error.ts';\n\n",
    classes.join('\n'),
    '\n/** The class of each code. */\nexport const errorClasses = {\n',
    ...codes.map((code) => `  ${code}: ${classNameOf(code)},\n`),
    '} as const;\n\n',
    '/** The closed list of docs/errors.md. */\nexport type ErrorCode = keyof typeof errorClasses;\n',
  ].join('');
}

function printRetryableCodes(): string {
  const retryable = codes.filter((code) => errorTraits(code).retryable);
  return `${HEADER}/** The same request may well succeed a moment later. */
export const retryableCodes: ReadonlySet<string> = new Set([
${retryable.map((code) => `  '${code}',\n`).join('')}]);\n`;
}

/** `REPLICA_LOST` is `ReplicaLostError`. */
function classNameOf(code: ErrorCode): string {
  const words = code.split('_').map((word) => word[0] + word.slice(1).toLowerCase());
  return `${words.join('')}Error`;
}

/** How values look in JSON, as an answer has them and as variables take them. */
const scalars: Readonly<Record<string, { readonly output: string; readonly input: string }>> = {
  ID: { output: 'string', input: 'string' },
  String: { output: 'string', input: 'string' },
  Boolean: { output: 'boolean', input: 'boolean' },
  Int: { output: 'number', input: 'number' },
  Float: { output: 'number', input: 'number' },
  DateTime: { output: 'string', input: 'string | number' },
  Decimal: { output: 'string', input: 'string | number' },
  BigInt: { output: 'number | string', input: 'number | string' },
};

function printTypes(): string {
  const types = [...reachableFrom(['Cdr', 'CdrFilter', 'CdrOrder'])].map((name) => schema.getType(name)!);
  return `// Written by "npm run schema" from src/schema.\n\n${types.map(printType).join('\n')}`;
}

/** The types, and those that their leaves and parts are of, in the order of their names. */
function reachableFrom(names: readonly string[]): Set<string> {
  const found = new Set(names);
  for (const name of found) {
    for (const type of partsOf(schema.getType(name)!)) if (!(type.name in scalars)) found.add(type.name);
  }
  return new Set([...found].sort());
}

function partsOf(type: GraphQLNamedType): GraphQLNamedType[] {
  if (isInputObjectType(type))
    return Object.values(type.getFields()).map((field) => getNamedType(field.type));
  return leavesOf(type).map((field) => getNamedType(field.type));
}

/** Fields without fields of their own, and without arguments. */
function leavesOf(type: GraphQLNamedType) {
  if (!isObjectType(type)) return [];
  return Object.values(type.getFields()).filter(
    (field) => isLeafType(getNamedType(field.type)) && field.args.length === 0,
  );
}

function printType(type: GraphQLNamedType): string {
  const comment = printComment(type.description, '');
  if (isEnumType(type)) {
    const values = type
      .getValues()
      .map(({ name, description }) => `${printComment(description, '  ')}  | '${name}'`);
    return `${comment}export type ${type.name} =\n${values.join('\n')};\n`;
  }
  const members = isInputObjectType(type)
    ? Object.values(type.getFields()).map(({ name, description, type: of }) => {
        const isOptional = !isNonNullType(of);
        return `${printComment(description, '  ')}  readonly ${name}${isOptional ? '?' : ''}: ${typeOf(of, 'input')}${isOptional ? ' | undefined' : ''};\n`;
      })
    : leavesOf(type).map(
        ({ name, description, type: of }) =>
          `${printComment(description, '  ')}  readonly ${name}: ${typeOf(of, 'output')};\n`,
      );
  return `${comment}export interface ${type.name} {\n${members.join('')}}\n`;
}

function typeOf(type: GraphQLInputType | GraphQLOutputType, direction: 'input' | 'output'): string {
  if (isNonNullType(type)) return bareTypeOf(type.ofType, direction);
  return `${bareTypeOf(type, direction)} | null`;
}

function bareTypeOf(type: GraphQLInputType | GraphQLOutputType, direction: 'input' | 'output'): string {
  if (isListType(type)) return `readonly (${typeOf(type.ofType, direction)})[]`;
  const { name } = getNamedType(type);
  return scalars[name]?.[direction] ?? name;
}

function printComment(text: string | null | undefined, indent: string): string {
  return text ? `${indent}/** ${text.replaceAll('*/', '* /').replaceAll(/\s*\n\s*/g, ' ')} */\n` : '';
}
