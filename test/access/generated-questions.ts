import {
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isObjectType,
} from 'graphql';
import type { Permission } from '../../src/access/roles.ts';
import { cdrDimensions, isNumberDimension, isTimeDimension } from '../../src/db/calls/cdr-dimensions.ts';
import { schema } from '../../src/schema/index.ts';
import { encodeNodeId, nodeTypes } from '../../src/streaming/node-id.ts';
import { findRule, permissionOf, rulesOfFields } from './field-rules.ts';

/** Of whose objects: of the callers that see a part of them, of somebody else, of nobody; or of whomever the caller sees. */
export type Whose = 'own' | 'foreign' | 'absent' | 'every';

/** Ids of the objects that are asked for. */
export const ids = {
  own: { Cdr: '1', Account: '14', Customer: '3' },
  foreign: { Cdr: '9', Account: '99', Customer: '9' },
  absent: { Cdr: '8', Account: '98', Customer: '8' },
} as const;

/** One field of `Query`, with what is below it. */
export interface Question {
  readonly name: string;
  readonly root: string;
  /** Of the objects that answer it. */
  readonly type: GraphQLObjectType;
  readonly needs: readonly Permission[];
  /** Of whose objects it can ask. */
  readonly whose: readonly Whose[];
  document(whose: Whose): string;
}

/** How a field of `Query` asks for objects. */
interface Form {
  readonly whose: readonly Whose[];
  /** Beside the permission of the field. */
  readonly needs?: readonly Permission[];
  /** Where the field may answer objects of several types. */
  readonly type?: GraphQLObjectType;
  arguments(whose: Whose): string;
}

const one: readonly Whose[] = ['own', 'foreign', 'absent'];
const list: readonly Whose[] = [...one, 'every'];
const alike: readonly Whose[] = ['own'];

const idsOf = (whose: Whose) => ids[whose === 'every' ? 'own' : whose];
const filterOf = (whose: Whose) =>
  whose === 'every' ? '' : `filter: { accountIds: ["${idsOf(whose).Account}"] }`;
const inBrackets = (...args: readonly string[]) => {
  const given = args.filter(Boolean);
  return given.length > 0 ? `(${given.join(', ')})` : '';
};

/** Of time only one may be grouped by. */
const dimensions = (Object.keys(cdrDimensions) as (keyof typeof cdrDimensions)[]).filter(
  (name) => name === 'HOUR' || !isTimeDimension(name),
);
const statisticsBy = (names: readonly string[]) => (whose: Whose) =>
  inBrackets(filterOf(whose), `groupBy: [${names.join(', ')}]`);

const objectTypeNamed = (name: string) => schema.getType(name) as GraphQLObjectType;
const ofEachType = (write: (nodeId: string) => string) =>
  nodeTypes.map((type) => ({
    whose: one,
    type: objectTypeNamed(type),
    arguments: (whose: Whose) => write(encodeNodeId({ type, id: idsOf(whose)[type] })),
  }));

/** A number that a carrier is known of. */
export const knownNumber = '4470555012378';

const forms: Readonly<Record<string, readonly Form[]>> = {
  cdr: [{ whose: one, arguments: (whose) => `(id: "${idsOf(whose).Cdr}")` }],
  cdrs: [{ whose: list, arguments: (whose) => inBrackets(filterOf(whose)) }],
  cdrStats: [
    { whose: list, arguments: statisticsBy(dimensions.filter((name) => !isNumberDimension(name))) },
    { whose: list, needs: ['NUMBERS'], arguments: statisticsBy(dimensions.filter(isNumberDimension)) },
  ],
  account: [{ whose: one, arguments: (whose) => `(id: "${idsOf(whose).Account}")` }],
  carriers: [{ whose: alike, arguments: () => `(numbers: ["${knownNumber}"])` }],
  node: ofEachType((nodeId) => `(nodeId: "${nodeId}")`),
  nodes: ofEachType((nodeId) => `(nodeIds: ["${nodeId}"])`),
  replicationStatus: [{ whose: alike, arguments: () => '' }],
  viewer: [{ whose: alike, arguments: () => '' }],
};

const queryFields = schema.getQueryType()!.getFields();

/** Fields of `Query` that nobody asks for here. */
export const unaskedRoots = Object.keys(queryFields).filter((name) => !Object.hasOwn(forms, name));

/** All that there is below a type: ` { id account { id … } }`. Types of the schema lie in no circle. */
export function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return '';
  const fields = Object.values(named.getFields());
  return ` { ${fields.map((field) => `${field.name}${selectionOf(field.type)}`).join(' ')} }`;
}

/** Everything below each field of `Query` at once, and each of its fields alone: those are answered in other ways. */
export const questions: readonly Question[] = Object.entries(forms).flatMap(([root, ofRoot]) =>
  ofRoot.flatMap((form) => questionsOf(root, form)),
);

function questionsOf(root: string, form: Form): readonly Question[] {
  const answered = getNamedType(queryFields[root]!.type);
  const type = form.type ?? (answered as GraphQLObjectType);
  const needs = [permissionOf(findRule(rulesOfFields.Query, root)!) ?? [], form.needs ?? []].flat();
  const { whose } = form;
  const question = (name: string, selection: string): Question => ({
    ...{ name, root, type, needs, whose },
    document: (of) => `{ ${root}${form.arguments(of)}${selection} }`,
  });
  if (isAbstractType(answered)) {
    return [question(`${root} of ${type.name}`, ` { ... on ${type.name}${selectionOf(type)} }`)];
  }
  const fields = Object.values(type.getFields());
  return [
    question(root, selectionOf(type)),
    ...fields.map((field) =>
      question(`${root}.${field.name}`, ` { ${field.name}${selectionOf(field.type)} }`),
    ),
  ];
}
