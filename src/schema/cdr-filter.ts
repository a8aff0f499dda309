import type { CdrFilterArgument } from '../resolvers/cdr-filter.ts';
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
    'hangs up before the answer included), or result 0, 200 or 202 on a Sippy source.',
  values: {
    ALL: { description: 'Every attempt.' },
    NON_ZERO: { description: 'With conversation: duration above 0.' },
    NON_ZERO_AND_ERRORS: { description: 'Duration above 0, or not successful.' },
    COMPLETE: { description: 'Successful.' },
    INCOMPLETE: { description: 'Not successful.' },
    ERRORS: { description: 'Not successful and without conversation.' },
  } as const,
});

const NumberMatchInput = builder.inputType('NumberMatch', {
  description:
    'How a number is compared; all given parts must hold. Numbers are text as the switch writes them: no spaces, ' +
    'usually without `+`. There are no wildcards: `%`, `_` and backslash mean themselves.',
  fields: (t) => ({
    is: t.string({ description: 'The whole number. Uses an index.' }),
    startsWith: t.string({ description: 'The first digits, such as a country code. Uses an index.' }),
    endsWith: t.string({ description: 'The last digits. Reads every call of the other filters.' }),
    contains: t.string({ description: 'Digits anywhere. Reads every call of the other filters.' }),
  }),
});

export const CdrFilterInput = builder.inputType('CdrFilter', {
  description:
    'Which calls. All given parts must hold; a missing or null part restricts nothing, an empty list matches nothing. ' +
    'Give an account or a time range where you can: they make the answer quick.',
  fields: (t) =>
    ({
      accountIds: t.idList({ description: 'Calls of any of these accounts.' }),
      customerIds: t.idList({ description: 'Calls of any of these customers.' }),
      from: t.field({ type: 'DateTime', description: 'Connect time at or after this instant.' }),
      to: t.field({
        type: 'DateTime',
        description: 'Connect time before this instant: the range is half-open, so that days add up.',
      }),
      cli: t.field({ type: NumberMatchInput, description: 'Calling number, after translation.' }),
      cld: t.field({ type: NumberMatchInput, description: 'Called number, after translation.' }),
      type: t.field({ type: CdrTypeEnum, description: 'A call type of the older API.' }),
      disconnectCauses: t.intList({
        description: 'Any of these causes, as `Cdr.disconnectCause` shows them.',
      }),
      outcomes: t.field({ type: [CallOutcomeEnum], description: 'Any of these outcomes.' }),
      countries: t.stringList({ description: 'Country of the called number, as `Cdr.country` shows it.' }),
      minDurationSeconds: t.field({ type: 'Decimal', description: 'Conversation at least this long.' }),
      maxDurationSeconds: t.field({ type: 'Decimal', description: 'Conversation at most this long.' }),
      remoteIp: t.string({ description: 'The address the call came from, exactly.' }),
    }) satisfies Record<keyof CdrFilterArgument, unknown>,
});
