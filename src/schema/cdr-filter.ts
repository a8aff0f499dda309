import type { InputFieldBuilder, InputFieldRef } from '@pothos/core';
import {
  type CdrFilterName,
  declarationOf,
  type FilterKind,
  type FilterKindOf,
  filterNames,
} from '../db/calls/cdr-filter.ts';
import {
  type CdrFilterArgument,
  type FilterArguments,
  MAX_FILTER_DEPTH,
  MAX_FILTERS,
} from '../resolvers/cdr-filter.ts';
import { builder } from './builder.ts';
import { CallOutcomeEnum } from './outcomes.ts';

export const CdrOrderEnum = builder.enumType('CdrOrder', {
  description: 'The order of a list of calls, by connect time and then by id.',
  values: {
    NEWEST_FIRST: { description: 'Latest connect time first.' },
    OLDEST_FIRST: { description: 'Earliest connect time first.' },
  } as const,
});

const CdrTypeEnum = builder.enumType('CdrType', {
  description:
    'The call types of the older XML-RPC API. "Successful" is what the switch says: Q.850 cause 16 (a caller who ' +
    'hangs up before the answer included), or result 0, 200 or 202 on a Sippy source. A duration that is stored as no ' +
    'finite number (NaN, Infinity) is unknown.',
  values: {
    ALL: { description: 'Every attempt.' },
    NON_ZERO: { description: 'With conversation: duration above 0.' },
    NON_ZERO_AND_ERRORS: { description: 'Duration above 0, or not successful.' },
    COMPLETE: { description: 'Successful.' },
    INCOMPLETE: { description: 'Not successful.' },
    ERRORS: {
      description: 'Not successful and without conversation, be its duration 0, unknown or below 0.',
    },
  } as const,
});

const NumberMatchInput = builder.inputType('NumberMatch', {
  description:
    'How a number is compared; all given parts must hold. Numbers are text as the switch writes them: no spaces, ' +
    'usually without `+`. There are no wildcards: `%`, `_` and backslash mean themselves.',
  fields: (t) => ({
    is: t.string({ description: 'The whole number. Uses an index where there is one on it.' }),
    startsWith: t.string({
      description: 'The first digits, such as a country code. Uses an index where there is one on it.',
    }),
    endsWith: t.string({ description: 'The last digits. Reads every call of the other filters.' }),
    contains: t.string({ description: 'Digits anywhere. Reads every call of the other filters.' }),
  }),
});

type BuilderTypes = typeof builder.$inferSchemaTypes;
type Fields = InputFieldBuilder<BuilderTypes, 'InputObject'>;
type FieldOfKind<Kind extends FilterKind> = InputFieldRef<
  BuilderTypes,
  FilterArguments[Kind] | null | undefined
>;

/** The GraphQL type of each kind of filter. */
const fieldsOfKind: {
  readonly [Kind in FilterKind]: (t: Fields, description: string) => FieldOfKind<Kind>;
} = {
  ids: (t, description) => t.idList({ description }),
  texts: (t, description) => t.stringList({ description }),
  integers: (t, description) => t.intList({ description }),
  outcomes: (t, description) => t.field({ type: [CallOutcomeEnum], description }),
  text: (t, description) => t.string({ description }),
  number: (t, description) => t.field({ type: NumberMatchInput, description }),
  callType: (t, description) => t.field({ type: CdrTypeEnum, description }),
  decimal: (t, description) => t.field({ type: 'Decimal', description }),
  instant: (t, description) => t.field({ type: 'DateTime', description }),
};

export const CdrFilterInput = builder.inputRef<CdrFilterArgument>('CdrFilter').implement({
  description:
    'Which calls. All given parts must hold; a missing or null part restricts nothing, an empty list matches nothing. ' +
    'Give an account or a time range where you can: they make the answer quick.',
  fields: (t) => {
    const fields: { [Name in CdrFilterName]?: FieldOfKind<FilterKindOf<Name>> } = {};
    for (const name of filterNames) addField(t, name, fields);
    return { ...fields, not: notField(t), anyOf: anyOfField(t) };
  },
});

/** The type of both is that which they are part of, so it must be said: it cannot be inferred from itself. */
function notField(t: Fields): InputFieldRef<BuilderTypes, CdrFilterArgument | null | undefined> {
  return t.field({
    type: CdrFilterInput,
    description:
      'All calls but those that match this filter. A call of which that is unknown does not match, and stays: ' +
      '`not: { countries: ["FRANCE"] }` keeps calls without a country. All parts together leave a call out; to leave ' +
      'out calls that match one of several: `not: { anyOf: [{ countries: ["FRANCE"] }, { disconnectCauses: [16] }] }`. ' +
      'Reads every call of the other filters.',
  });
}

function anyOfField(t: Fields): InputFieldRef<BuilderTypes, readonly CdrFilterArgument[] | null | undefined> {
  return t.field({
    type: [CdrFilterInput],
    description:
      'Calls that match at least one of these filters, beside the other parts. In all at most ' +
      `${MAX_FILTERS} filters in one another and side by side, and ${MAX_FILTER_DEPTH} deep. Reads every call of the ` +
      'other filters where an index does not help each of them.',
  });
}

function addField<Name extends CdrFilterName>(
  t: Fields,
  name: Name,
  fields: { [Field in Name]?: FieldOfKind<FilterKindOf<Field>> },
): void {
  const { kind, description } = declarationOf(name);
  const rule = kind === 'number' ? ' Needs the permission `NUMBERS`.' : '';
  fields[name] = fieldsOfKind[kind](t, description + rule);
}
