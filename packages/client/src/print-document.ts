/** A node of a parsed document, as graphql-js makes them: the members that executable documents use. */
export interface AstNode {
  readonly kind: string;
  readonly value?: unknown;
  readonly operation?: string;
  readonly name?: AstNode | undefined;
  readonly alias?: AstNode | undefined;
  readonly variable?: AstNode;
  readonly type?: AstNode;
  readonly defaultValue?: AstNode | undefined;
  readonly typeCondition?: AstNode | undefined;
  readonly selectionSet?: AstNode | undefined;
  readonly definitions?: readonly AstNode[];
  readonly variableDefinitions?: readonly AstNode[] | undefined;
  readonly selections?: readonly AstNode[];
  readonly arguments?: readonly AstNode[] | undefined;
  readonly directives?: readonly AstNode[] | undefined;
  readonly values?: readonly AstNode[];
  readonly fields?: readonly AstNode[];
}

/** The text of a document. Throws a TypeError for what no executable document holds. */
export function printDocument(document: AstNode): string {
  return print(document);
}

function print(node: AstNode): string {
  switch (node.kind) {
    case 'Document':
      return join(node.definitions, '\n');
    case 'OperationDefinition':
      return words(
        `${node.operation} ${one(node.name)}${wrap('(', join(node.variableDefinitions, ', '), ')')}`,
        join(node.directives, ' '),
        one(node.selectionSet),
      );
    case 'FragmentDefinition':
      return words(
        `fragment ${one(node.name)} on ${one(node.typeCondition)}`,
        join(node.directives, ' '),
        one(node.selectionSet),
      );
    case 'VariableDefinition':
      return words(
        `${one(node.variable)}: ${one(node.type)}${wrap(' = ', one(node.defaultValue))}`,
        join(node.directives, ' '),
      );
    case 'SelectionSet':
      return `{ ${join(node.selections, ' ')} }`;
    case 'Field':
      return words(
        `${wrap('', one(node.alias), ': ')}${one(node.name)}${wrap('(', join(node.arguments, ', '), ')')}`,
        join(node.directives, ' '),
        one(node.selectionSet),
      );
    case 'FragmentSpread':
      return words(`...${one(node.name)}`, join(node.directives, ' '));
    case 'InlineFragment':
      return words(
        `...${wrap(' on ', one(node.typeCondition))}`,
        join(node.directives, ' '),
        one(node.selectionSet),
      );
    case 'Directive':
      return `@${one(node.name)}${wrap('(', join(node.arguments, ', '), ')')}`;
    default:
      return printValue(node);
  }
}

/** Values and types. */
function printValue(node: AstNode): string {
  switch (node.kind) {
    case 'Name':
    case 'IntValue':
    case 'FloatValue':
    case 'EnumValue':
    case 'BooleanValue':
      return String(node.value);
    case 'StringValue':
      // Block strings too: the value is the same. JSON's escapes are GraphQL's.
      return JSON.stringify(node.value);
    case 'NullValue':
      return 'null';
    case 'Variable':
      return `$${one(node.name)}`;
    case 'ListValue':
      return `[${join(node.values, ', ')}]`;
    case 'ObjectValue':
      return `{${join(node.fields, ', ')}}`;
    case 'ObjectField':
    case 'Argument':
      return `${one(node.name)}: ${print(node.value as AstNode)}`;
    case 'NamedType':
      return one(node.name);
    case 'ListType':
      return `[${one(node.type)}]`;
    case 'NonNullType':
      return `${one(node.type)}!`;
    default:
      throw new TypeError(`A document to execute holds no ${node.kind}.`);
  }
}

const one = (node: AstNode | undefined): string => (node ? print(node) : '');
const join = (nodes: readonly AstNode[] | undefined, separator: string): string =>
  (nodes ?? []).map(print).join(separator);
const words = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
const wrap = (before: string, text: string, after = ''): string => (text === '' ? '' : before + text + after);
