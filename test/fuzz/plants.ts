/**
 * Faults that the gateway had, or might have: each takes its cure out of the source. The fuzzer must find every one; a
 * cure that is written differently since must be found here again, so a text that is not there once is a failure.
 */

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Plant {
  readonly name: string;
  /** By which the fuzzer notices; it may go on to the next ones. */
  readonly seed: number;
  readonly edits: readonly Edit[];
}

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

const KEYS = `    int32At(row, start + CONNECT_TIME_LENGTH_AT) === KEY_BYTES &&
    int32At(row, start + ID_LENGTH_AT) === KEY_BYTES
`;

export const plants: readonly Plant[] = [
  {
    name: 'a key that is null is read where it would lie',
    seed: 1,
    edits: [edit('src/streaming/key-columns.ts', KEYS, '    true\n')],
  },
  {
    name: 'what a row throws ends the process',
    seed: 1,
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
    name: 'a block is written again before it is sent',
    seed: 1,
    edits: [
      edit(
        'src/streaming/body.ts',
        '    this.#outgoing!.write(block, () => {',
        '    this.#outgoing!.write(block);\n    recycleBlock(block);\n    this.#outgoing!.write(Buffer.alloc(0), () => {',
      ),
    ],
  },
  {
    name: 'a key of four bytes travels as it is stored',
    seed: 1,
    edits: [
      edit(
        'src/db/sources/cdr-columns.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
        ': sql`${sql.ref(`xdrs.${name}`)}::${sql.raw(xdrsTypes[name])}`;',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
        ': sql`${sql.ref(`xdrs.${name}`)}`;',
      ),
    ],
  },
  {
    name: 'a list with accounts is left to the executor',
    seed: 1,
    edits: [
      edit(
        'src/streaming/connection-plan.ts',
        '    if (related)\n',
        '    if (related) return undefined;\n    if (related)\n',
      ),
    ],
  },
  {
    name: 'a number beyond an integer fails the statement',
    seed: 1,
    edits: [
      edit(
        'src/db/sources/columns.ts',
        'function wholeSql(reference: RawBuilder<unknown>, actual: string, type: string): RawBuilder<unknown> {\n',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
        'function wholeSql(reference: RawBuilder<unknown>, actual: string, type: string): RawBuilder<unknown> {\n  if (type === "integer") return sql`${reference}::integer`;\n',
      ),
    ],
  },
  {
    name: 'NaN is shown as a decimal',
    seed: 1,
    edits: [
      edit(
        'src/streaming/wire-text.ts',
        'return end > start && digit <= NINE;',
        'return end > start && digit > 0;',
      ),
    ],
  },
  {
    name: 'an account that is null is shown as null, and no error says so',
    seed: 1,
    edits: [
      edit(
        'src/streaming/row-encoder.ts',
        'if (length === NULL_LENGTH && step.nullable) continue;',
        'if (length === NULL_LENGTH) continue;',
      ),
    ],
  },
  {
    name: 'bytes that are no text are handed on',
    seed: 1,
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
    name: 'PostgreSQL converts text, and fails a statement for one character',
    seed: 1,
    edits: [
      edit(
        'src/replicas/pools.ts',
        '    if (!encoding) return;',
        '    if (encoding !== undefined || name) return;',
      ),
    ],
  },
  {
    name: 'a column that is gone is an error of ours',
    seed: 1,
    edits: [edit('src/db/failures.ts', '/^(42703|42P01|', '/^(42P01|')],
  },
  {
    name: 'a column that may not be read any more is an error of ours',
    seed: 1,
    edits: [
      edit('src/db/failures.ts', '3F000|42501|42704', '3F000|42704'),
      edit('src/db/failures.ts', '/^(28\\w{3}|3D000|42501)$/', '/^(28\\w{3}|3D000)$/'),
    ],
  },
  {
    name: 'one time at the end of the calendar fails every grouping by days',
    seed: 1,
    edits: [
      edit(
        'src/db/calls/time-buckets.ts',
        '  if (isWithinRange) return cutInZone',
        '  if (isWithinRange || bucket) return cutInZone',
      ),
    ],
  },
  {
    name: 'a day begins at a midnight that the clocks skip',
    seed: 1,
    edits: [
      edit(
        'src/db/calls/time-buckets.ts',
        "  if (timeZone === UTC || (bucket.unit === 'clock' && !timeZone.splitsHours)) return key;",
        '  if (timeZone || bucket) return key;',
      ),
    ],
  },
  {
    name: 'a value that must be there costs its line in a file',
    seed: 1,
    edits: [edit('src/streaming/file-response.ts', 'keepsObjects: true', 'keepsObjects: false')],
  },
  {
    name: 'a null of a file of one column is an empty line',
    seed: 1,
    edits: [
      edit(
        'src/streaming/csv-encoder.ts',
        '    if (to === before) to = writeBytes(block, to, EMPTY_TEXT);\n',
        '    if (to === before) to = writeBytes(block, to, Buffer.alloc(0));\n',
      ),
    ],
  },
  {
    name: 'a wide equals sign begins a formula',
    seed: 1,
    edits: [edit('src/streaming/csv-encoder.ts', '[=@\\uff1d\\uff20\\ufe66\\ufe6b]', '[=@\\ufe66\\ufe6b]')],
  },
  {
    name: 'spaces before a formula hide it',
    seed: 1,
    edits: [edit('src/streaming/csv-encoder.ts', '[\\s\\u200b-\\u200d\\u2060\\ufeff]*(?:[=@', '(?:[=@')],
  },
  {
    name: 'a database that is serializable for all makes every standby unreachable',
    seed: 1,
    edits: [
      edit(
        'src/replicas/session-settings.ts',
        "  default_transaction_isolation: 'read committed',\n  default_transaction_deferrable: 'off',\n",
        '',
      ),
    ],
  },
  {
    name: 'one bad root voids the others',
    seed: 1,
    edits: [
      edit(
        'src/schema/cdr-stats.ts',
        '    type: CdrStatsType,\n    nullable: true,',
        '    type: CdrStatsType,\n    nullable: false,',
      ),
    ],
  },
];
