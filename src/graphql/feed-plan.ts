import {
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getVariableValues,
  type VariableValues,
  visit,
} from 'graphql';
import type { CdrRow } from '../db/calls/cdrs.ts';
import type { FeedMessage } from '../feed/message.ts';
import {
  executeRelated,
  type RelatedExecution,
  type RelatedSelection,
  selectRelated,
} from '../streaming/related-selection.ts';
import { collectFields, type SelectedField } from '../streaming/selection.ts';
import { RequestErrors } from './errors.ts';
import type { Operation } from './operation.ts';

/** The one field of a subscription, and what depends on its variables. */
export interface SubscribedField {
  readonly field: SelectedField;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly variables: VariableValues;
  /** The variables as they were sent: whoever executes a message reads them for itself. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Equal for operations of one document whose messages show the same: its arguments may differ. */
  readonly selectionKey: string;
}

const MAX_ERRORS = 50;

/** Throws RequestErrors when the variables do not fit, or `@skip` leaves nothing. */
export function planSubscription(
  schema: GraphQLSchema,
  { definition, fragments }: Operation,
  inputs: Readonly<Record<string, unknown>>,
): SubscribedField | undefined {
  const { variableDefinitions = [], selectionSet } = definition;
  const coerced = getVariableValues(schema, variableDefinitions, inputs, { maxErrors: MAX_ERRORS });
  if (!coerced.variableValues) throw new RequestErrors(coerced.errors);
  const variables = coerced.variableValues;
  const type = schema.getSubscriptionType()!;
  const [field] = collectFields([selectionSet], type, { schema, fragments, variables }) ?? [];
  const declared = field && type.getFields()[field.name];
  if (!field || !declared) return undefined;
  const used = new Set<string>();
  const noteVariables = { Variable: ({ name }: { name: { value: string } }) => void used.add(name.value) };
  for (const set of [...field.selectionSets, ...fragments.values()]) visit(set, noteVariables);
  const values = [...used].sort().map((name) => [name, variables.coerced[name]]);
  return {
    field,
    arguments: getArgumentValues(declared, field.nodes[0], variables),
    variables,
    inputs,
    selectionKey: `${field.key} ${JSON.stringify(values)}`,
  };
}

/** A value that could not be shown. */
export interface MessageFailure {
  readonly path: readonly (string | number)[];
  readonly error: unknown;
}

type Writer = (message: FeedMessage, place: EncodingPlace) => string | Promise<string>;

interface EncodingPlace {
  readonly execution: RelatedExecution;
  readonly failures: MessageFailure[];
}

/** Writes messages of `cdrs` as JSON. What is selected of a call is executed by graphql-js, once for all who get the message. */
export class FeedPlan {
  readonly #writers: readonly Writer[];
  readonly #rootKey: string;

  constructor(schema: GraphQLSchema, operation: Operation, { field, variables }: SubscribedField) {
    const { document, definition, fragments } = operation;
    const type = getNamedType(schema.getSubscriptionType()!.getFields().cdrs!.type) as GraphQLObjectType;
    const selection = { schema, fragments, variables };
    this.#rootKey = field.key;
    const fields = collectFields(field.selectionSets, type, selection) ?? [];
    this.#writers = fields.map((each): Writer => {
      const key = `${JSON.stringify(each.key)}:`;
      if (each.name === 'inserted' || each.name === 'corrected') {
        const cdr = schema.getType('Cdr') as GraphQLObjectType;
        const related = selectRelated(cdr, each.nodes, { schema, document, operation: definition });
        const path = [field.key, each.key];
        const { name } = each;
        return (message, place) => writeCalls(key, message[name], { related, path, place });
      }
      if (each.name === 'gap') {
        const gapType = schema.getType('FeedGap') as GraphQLObjectType;
        const inner = collectFields(each.selectionSets, gapType, selection) ?? [];
        return ({ gap }) => key + JSON.stringify(gap && pick(inner, { ...gap, __typename: gapType.name }));
      }
      if (each.name === 'departures') {
        const departureType = schema.getType('CdrDeparture') as GraphQLObjectType;
        const inner = collectFields(each.selectionSets, departureType, selection) ?? [];
        return ({ departures }) =>
          key +
          JSON.stringify(departures.map((left) => pick(inner, { ...left, __typename: departureType.name })));
      }
      if (each.name === '__typename') return () => `${key}"${type.name}"`;
      const name = each.name as Exclude<keyof FeedMessage, 'inserted' | 'corrected' | 'gap' | 'departures'>;
      return (message) => key + JSON.stringify(message[name]);
    });
  }

  /** The JSON of a response. At once where nothing is looked up. */
  encode(
    message: FeedMessage,
    execution: () => RelatedExecution,
    formatErrors: (failures: readonly MessageFailure[]) => readonly object[],
  ): string | Promise<string> {
    const isPlain = message.inserted.length + message.corrected.length === 0;
    const place: EncodingPlace = { execution: isPlain ? NO_EXECUTION : execution(), failures: [] };
    const written = this.#writers.map((write) => write(message, place));
    const finish = (members: readonly string[]) => {
      const errors =
        place.failures.length > 0 ? `,"errors":${JSON.stringify(formatErrors(place.failures))}` : '';
      return `{"data":{${JSON.stringify(this.#rootKey)}:{${members.join()}}}${errors}}`;
    };
    const isThere = written.every((each) => typeof each === 'string');
    return isThere ? finish(written) : Promise.all(written).then(finish);
  }
}

const NO_EXECUTION: RelatedExecution = { contextValue: undefined, variableValues: undefined };

interface CallsPlace {
  readonly related: RelatedSelection;
  readonly path: readonly string[];
  readonly place: EncodingPlace;
}

function writeCalls(
  key: string,
  rows: readonly CdrRow[],
  { related, path, place }: CallsPlace,
): string | Promise<string> {
  if (rows.length === 0) return `${key}[]`;
  return executeRelated(related, rows, place.execution).then((values) => {
    const texts = values.map(({ value, failures }, index) => {
      for (const failure of failures) {
        place.failures.push({ path: [...path, index, ...failure.path], error: failure.error });
      }
      return JSON.stringify(value);
    });
    return `${key}[${texts.join()}]`;
  });
}

function pick(fields: readonly SelectedField[], value: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(fields.map(({ key, name }) => [key, value[name] ?? null]));
}
