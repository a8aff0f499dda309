// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of sources

import type { RoundPart } from './round.ts';
/**
 * Faults that the gateway had, or might have: each takes its cure out of the source. The fuzzer must find every one; a
 * cure that is written differently since must be found here again, so a text that is not there once is a failure.
 */

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** What was found wrong with tables, types, encodings and requests of this kind, and is mended. */
export const faults = {
  1: 'rows without a key',
  2: 'keys of other types',
  3: 'lists with accounts',
  4: 'numbers beyond their type',
  5: 'NaN and Infinity',
  6: 'calls without an account',
  7: 'encodings',
  8: 'tables that change',
  9: 'one call or root voids others',
  10: 'values in documents and variables',
  11: 'days and hours of zones',
  12: 'pages, orders and filters',
  13: 'files',
  14: 'HTTP, cursors and freshness',
  15: 'settings of sessions',
} as const;

export interface Plant {
  readonly fault: keyof typeof faults;
  readonly name: string;
  /** By which the fuzzer finds it. */
  readonly seed: number;
  /** The part of the round that does. */
  readonly part: RoundPart;
  readonly edits: readonly Edit[];
}

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

const KEYS = `    int32At(row, start + CONNECT_TIME_LENGTH_AT) === KEY_BYTES &&
    int32At(row, start + ID_LENGTH_AT) === KEY_BYTES
`;

export const plants: readonly Plant[] = [
  {
    fault: 1,
    name: 'a key that is null is read where it would lie',
    seed: 4,
    part: 'stored',
    edits: [edit('src/streaming/key-columns.ts', KEYS, '    true\n')],
  },
  {
    fault: 1,
    name: 'what a row throws ends the process',
    seed: 4,
    part: 'stored',
    edits: [
      edit(
        'src/streaming/list-reader.ts',
        'else target.onUnreadableRow();',
        "else throw new Error('A row without its key.');",
      ),
      edit(
        'src/db/wire/raw-rows.ts',
        "      this.#failure = error ?? new Error('A row was thrown back.');\n      this.#stop();",
        '      throw error;',
      ),
      edit(
        'src/db/wire/row-tap.ts',
        `      this.#isBroken = true;
      this.#length = 0;
      this.sink = undefined;
      this.#stream?.destroy(new BrokenConnectionError(error));`,
        '      throw error;',
      ),
    ],
  },
  {
    fault: 1,
    name: 'a block is written again before it is sent',
    seed: 25,
    part: 'long',
    edits: [
      edit(
        'src/streaming/body.ts',
        '    this.#outlet!.write(block, () => {',
        '    this.#outlet!.write(block, () => {});\n    recycleBlock(block);\n    this.#outlet!.write(Buffer.alloc(0), () => {',
      ),
    ],
  },
  {
    fault: 2,
    name: 'a key of four bytes travels as it is stored',
    seed: 10,
    part: 'stored',
    edits: [
      edit(
        'src/db/sources/cdr-columns.ts',
        ': sql`${sql.ref(`xdrs.${name}`)}::${sql.raw(xdrsTypes[name])}`;',
        ': sql`${sql.ref(`xdrs.${name}`)}`;',
      ),
    ],
  },
  {
    fault: 3,
    name: 'a list with accounts is left to the executor',
    seed: 25,
    part: 'long',
    edits: [
      edit(
        'src/streaming/connection-plan.ts',
        '    if (related)\n',
        '    if (related) return undefined;\n    if (related)\n',
      ),
    ],
  },
  {
    fault: 4,
    name: 'a number beyond an integer fails the statement',
    seed: 4,
    part: 'stored',
    edits: [
      edit(
        'src/db/sources/columns.ts',
        'function wholeSql(reference: RawBuilder<unknown>, actual: string, type: string): RawBuilder<unknown> {\n',
        'function wholeSql(reference: RawBuilder<unknown>, actual: string, type: string): RawBuilder<unknown> {\n  if (type === "integer") return sql`${reference}::integer`;\n',
      ),
    ],
  },
  {
    fault: 5,
    name: 'NaN is shown as a decimal',
    seed: 1,
    part: 'stored',
    edits: [
      edit(
        'src/streaming/wire-text.ts',
        'return end > start && digit <= NINE;',
        'return end > start && digit > 0;',
      ),
    ],
  },
  {
    fault: 6,
    name: 'an account that is null is shown as null, and no error says so',
    seed: 4,
    part: 'stored',
    edits: [
      edit(
        'src/streaming/row-encoder.ts',
        'if (length === NULL_LENGTH && step.nullable) continue;',
        'if (length === NULL_LENGTH) continue;',
      ),
    ],
  },
  {
    fault: 7,
    name: 'bytes that are no text are handed on',
    seed: 1,
    part: 'stored',
    edits: [
      edit(
        'src/db/wire/encodings.ts',
        'decode: (bytes) => (isUtf8(bytes) ? bytes : undefined),',
        'decode: (bytes) => (isUtf8(bytes) || bytes.length > 0 ? bytes : undefined),',
      ),
      edit(
        'src/db/wire/encodings.ts',
        '        if (!part) return undefined;',
        '        if (!part) continue;',
      ),
    ],
  },
  {
    fault: 7,
    name: 'PostgreSQL converts text, and fails a statement for one character',
    seed: 1,
    part: 'stored',
    edits: [
      edit(
        'src/replicas/pools.ts',
        '    if (!encoding) return;',
        '    if (encoding !== undefined || name) return;',
      ),
    ],
  },
  {
    fault: 8,
    name: 'a column that is gone is an error of ours',
    seed: 1,
    part: 'changes',
    edits: [edit('src/db/failures.ts', '/^(42703|42P01|', '/^(42P01|')],
  },
  {
    fault: 8,
    name: 'a column that may not be read any more is an error of ours',
    seed: 4,
    part: 'changes',
    edits: [
      edit('src/db/failures.ts', '3F000|42501|42704', '3F000|42704'),
      edit('src/db/failures.ts', '/^(28\\w{3}|3D000|42501)$/', '/^(28\\w{3}|3D000)$/'),
    ],
  },
  {
    fault: 9,
    name: 'one time at the end of the calendar fails every grouping by days',
    seed: 1,
    part: 'lists',
    edits: [
      edit(
        'src/db/calls/time-buckets.ts',
        '  if (isWithinRange) return cutInZone',
        '  if (isWithinRange || bucket) return cutInZone',
      ),
    ],
  },
  {
    fault: 11,
    name: 'a day begins at a midnight that the clocks skip',
    seed: 3,
    part: 'lists',
    edits: [
      edit(
        'src/db/calls/time-buckets.ts',
        "  if (timeZone === UTC || (bucket.unit === 'clock' && !timeZone.splitsHours)) return key;",
        '  if (timeZone || bucket) return key;',
      ),
    ],
  },
  {
    fault: 13,
    name: 'a value that must be there costs its line in a file',
    seed: 1,
    part: 'lists',
    edits: [edit('src/streaming/file-response.ts', 'keepsObjects: true', 'keepsObjects: false')],
  },
  {
    fault: 13,
    name: 'a null of a file of one column is an empty line',
    seed: 4,
    part: 'lists',
    edits: [
      edit(
        'src/streaming/csv-encoder.ts',
        '    if (to === before) to = writeBytes(block, to, EMPTY_TEXT);\n',
        '    if (to === before) to = writeBytes(block, to, Buffer.alloc(0));\n',
      ),
    ],
  },
  {
    fault: 13,
    name: 'a wide equals sign begins a formula',
    seed: 7,
    part: 'lists',
    edits: [edit('src/streaming/csv-text.ts', '[=@\\uff1d\\uff20\\ufe66\\ufe6b]', '[=@\\ufe66\\ufe6b]')],
  },
  {
    fault: 13,
    name: 'spaces before a formula hide it',
    seed: 1,
    part: 'lists',
    edits: [edit('src/streaming/csv-text.ts', '[\\s\\u200b-\\u200d\\u2060\\ufeff]*(?:[=@', '(?:[=@')],
  },
  {
    fault: 15,
    name: 'a database that is serializable for all makes every standby unreachable',
    seed: 6,
    part: 'stored',
    edits: [
      edit(
        'src/replicas/session-settings.ts',
        "  default_transaction_isolation: 'read committed',\n  default_transaction_deferrable: 'off',\n",
        '',
      ),
    ],
  },
  {
    fault: 9,
    name: 'one bad root voids the others',
    seed: 1,
    part: 'values',
    edits: [
      edit(
        'src/schema/cdr-stats.ts',
        '    type: CdrStatsType,\n    nullable: true,',
        '    type: CdrStatsType,\n    nullable: false,',
      ),
    ],
  },
  {
    fault: 5,
    name: 'NaN is summed',
    seed: 1,
    part: 'stored',
    edits: [
      edit(
        'src/db/calls/readable-numbers.ts',
        '${column} > -1e100000 and ${column} < 1e100000',
        '${column} is not null',
      ),
      edit(
        'src/db/calls/readable-numbers.ts',
        "${sum} in ('NaN', 'Infinity', '-Infinity')",
        '${sum} is null',
      ),
    ],
  },
  {
    fault: 8,
    name: 'a statement that was prepared for another type fails for ever',
    seed: 21,
    part: 'changes',
    edits: [
      // All guards are out: texts have the type of their column, and nothing is prepared again.
      edit(
        'src/db/sources/columns.ts',
        '  if (actual === type || isWithin(actual, type)) return sql`${reference}`;\n  if (!isCastable',
        "  if (actual === type || type === 'text') return sql`${reference}`;\n  if (!isCastable",
      ),
      edit(
        'src/db/sources/cdr-columns.ts',
        ': sql`${sql.ref(`xdrs.${name}`)}::${sql.raw(xdrsTypes[name])}`;',
        ": xdrsTypes[name] === 'text' ? sql`${sql.ref(`xdrs.${name}`)}` : sql`${sql.ref(`xdrs.${name}`)}::${sql.raw(xdrsTypes[name])}`;",
      ),
      edit(
        'src/db/wire/raw-rows.ts',
        'if (isStalePlan(error)) closeStatement',
        'if (false as boolean) closeStatement',
      ),
    ],
  },
  {
    fault: 10,
    name: 'seconds are taken for milliseconds',
    seed: 1,
    part: 'values',
    edits: [
      edit(
        'src/resolvers/cdr-filter.ts',
        "if (typeof instant !== 'bigint' && micros > MIN_INSTANT_MICROS && micros < MIN_NUMBER_MICROS)",
        'if (micros < 0n)',
      ),
    ],
  },
  {
    fault: 10,
    name: 'a number beyond 2^53 is another id',
    seed: 1,
    part: 'values',
    edits: [
      edit(
        'src/schema/scalars.ts',
        '  if (!Number.isSafeInteger(number)) throw new GraphQLError(AS_STRING);\n',
        '',
      ),
    ],
  },
  {
    fault: 10,
    name: 'a time is refused in the document, and taken in a variable',
    seed: 1,
    part: 'values',
    edits: [
      edit(
        'src/schema/scalars.ts',
        'parseLiteral: (node) => parseInstant(valueOfLiteral(node)),',
        'parseLiteral: (node) => parseInstant(node.kind === Kind.FLOAT ? undefined : valueOfLiteral(node)),',
      ),
    ],
  },
  {
    fault: 10,
    name: 'a fraction that is whole is no integer in the document',
    seed: 2,
    part: 'values',
    edits: [
      edit(
        'src/schema/scalars.ts',
        '(node: ConstValueNode) => coerce(valueOfLiteral(node))',
        "(node: ConstValueNode) => coerce(node.kind === Kind.FLOAT ? 'none' : valueOfLiteral(node))",
      ),
    ],
  },
  {
    fault: 11,
    name: 'half an hour that comes twice is one',
    seed: 3,
    part: 'lists',
    edits: [
      edit(
        'src/db/calls/time-buckets.ts',
        "(bucket.unit === 'clock' && !timeZone.splitsHours)",
        "bucket.unit === 'clock'",
      ),
    ],
  },
  {
    fault: 12,
    name: 'a list from the end grows while calls are inserted',
    seed: 25,
    part: 'long',
    edits: [
      edit(
        'src/streaming/list-reader.ts',
        'await this.#readForwards({ ...page, fromEnd: false, after: beyond ?? page.after }, size);',
        'await this.#readForwards({ ...page, fromEnd: false, after: beyond ?? page.after }, 1e9);',
      ),
    ],
  },
  {
    fault: 12,
    name: 'calls that retention has deleted lie beyond the page',
    seed: 1,
    part: 'edges',
    edits: [edit('src/resolvers/cdr-ends.ts', '  return rows.length > 0;', '  return rows.length >= 0;')],
  },
  {
    fault: 12,
    name: 'groups come in the order in which the dimensions are named',
    seed: 2,
    part: 'lists',
    edits: [
      edit(
        'src/db/calls/cdr-stats.ts',
        'Number(isTimeDimension(other)) - Number(isTimeDimension(one))',
        '0 * (Number(isTimeDimension(other)) - Number(isTimeDimension(one)))',
      ),
    ],
  },
  {
    fault: 12,
    name: 'a call whose duration is unknown is no error',
    seed: 2,
    part: 'filters',
    edits: [
      edit(
        'src/db/calls/cdr-filter.ts',
        '(not xdrs.successful and ${isSpoken} is not true)',
        '(not xdrs.successful and xdrs.duration = 0)',
      ),
    ],
  },
  {
    fault: 12,
    name: 'what is unknown is left out by "not"',
    seed: 2,
    part: 'filters',
    edits: [edit('src/db/calls/cdr-filter.ts', 'text: `(${text}) is not true`', 'text: `not (${text})`')],
  },
  {
    fault: 12,
    name: 'none of no filters is all calls',
    seed: 2,
    part: 'filters',
    edits: [
      edit('src/db/calls/cdr-filter.ts', "{ text: 'false', values: [] }", "{ text: 'true', values: [] }"),
    ],
  },
  {
    fault: 12,
    name: 'amounts of several currencies are added',
    seed: 3,
    part: 'stored',
    edits: [
      edit(
        'src/db/calls/cdr-measures.ts',
        '`case when ${partials.least} is not distinct from ${partials.greatest} then ${orZero(partials.chargedAmount)} end`',
        '`case when ${partials.least} is not distinct from ${partials.least} then ${orZero(partials.chargedAmount)} end`',
      ),
    ],
  },
  {
    fault: 13,
    name: 'a file that failed is 200',
    seed: 1,
    part: 'http',
    edits: [
      edit(
        'src/graphql/graphql-request.ts',
        "this.#delivery?.kind === 'file' ? withStatusOfFile(masked) : withHttpStatus(masked)",
        "this.#delivery?.kind === 'parts' ? withStatusOfFile(masked) : withHttpStatus(masked)",
      ),
    ],
  },
  {
    fault: 13,
    name: 'a type that is refused is sent',
    seed: 1,
    part: 'http',
    edits: [edit('src/graphql/accept.ts', 'return quality > 0 && isUtf8', 'return quality >= 0 && isUtf8')],
  },
  {
    fault: 13,
    name: 'a file does not say what it lacks',
    seed: 1,
    part: 'lists',
    edits: [edit('src/streaming/file-response.ts', '    writer.text(lastLine(format, gap));\n', '')],
  },
  {
    fault: 13,
    name: 'HTTP says that a file is whole, which it is not',
    seed: 1,
    part: 'lists',
    edits: [edit('src/streaming/file-response.ts', '    noteGap(gap);\n', '')],
  },
  {
    fault: 14,
    name: 'a media type is written in small letters',
    seed: 1,
    part: 'http',
    edits: [edit('src/graphql/params.ts', '*(;|,|$)/i.test', '*(;|,|$)/.test')],
  },
  {
    fault: 14,
    name: 'a spoilt cursor is a spoilt token',
    seed: 1,
    part: 'http',
    edits: [
      edit('src/resolvers/cursor.ts', '    !isWhole(bytes, layout)\n', '    bytes.length === 0\n'),
      edit(
        'src/replicas/positions.ts',
        '      throw new InvalidCursorError();',
        '      throw new InvalidTokenError();',
      ),
    ],
  },
  {
    fault: 14,
    name: 'equal filters that are written otherwise are other lists',
    seed: 4,
    part: 'filters',
    edits: [
      edit(
        'src/resolvers/list-identity.ts',
        'export function canonicalText(filter: CdrFilter): string {\n',
        'export function canonicalText(filter: CdrFilter): string {\n  if (filter) return JSON.stringify(filter);\n',
      ),
    ],
  },
  {
    fault: 14,
    name: 'a decimal with a zero behind it is another one',
    seed: 1,
    part: 'filters',
    edits: [
      edit(
        'src/resolvers/cdr-filter.ts',
        "  const plainFraction = digits.slice(at).replace(/0+$/, '');",
        '  const plainFraction = digits.slice(at);',
      ),
    ],
  },
  {
    fault: 14,
    name: 'an answer that nothing is fresh enough for is waited for',
    seed: 9,
    part: 'http',
    edits: [
      edit(
        'src/replicas/chooser.ts',
        'if (maxStalenessSeconds === undefined || maxStalenessSeconds > claimAllowanceSeconds) return undefined;',
        'if (maxStalenessSeconds !== -1) return undefined;',
      ),
      edit(
        'src/replicas/chooser.ts',
        'return able.some(({ hasReplayed, eta }) => !hasReplayed || (eta !== null && now + eta <= deadline));',
        'return able.length > 0;',
      ),
    ],
  },
  {
    fault: 14,
    name: 'a position of another cluster is waited for',
    seed: 11,
    part: 'http',
    edits: [
      edit(
        'src/replicas/chooser.ts',
        'if (foreign) throw new PositionForeignError(foreign);',
        'if (foreign?.isOfCursor) throw new PositionForeignError(foreign);',
      ),
    ],
  },
  {
    fault: 14,
    name: 'streamed errors do not say where in the document they are',
    seed: 1,
    part: 'lists',
    edits: [
      edit(
        'src/graphql/execution.ts',
        'new GraphQLError(message, { nodes, path,',
        'new GraphQLError(message, { nodes: nodes && undefined, path,',
      ),
    ],
  },
  {
    fault: 15,
    name: 'clocks are read with few digits',
    seed: 18,
    part: 'changes',
    edits: [edit('src/replicas/session-settings.ts', "  extra_float_digits: '1',\n", '')],
  },
];
