import { readFileSync } from 'node:fs';
import {
  type Environment,
  type Group,
  type IsSet,
  isGroup,
  type Setting,
  UnexpectedTextError,
} from './setting.ts';

/** Bad settings, all of them at once. Its message is meant for the terminal. */
export class BadSettingsError extends Error {
  override readonly name = 'BadSettingsError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Bad settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Reads the settings of a group. Throws one BadSettingsError that lists every bad setting, not only the first. */
export function parseSettings<Value>(group: Group<Value>, env: Environment): Value {
  const problems: string[] = [];
  const result = parseGroup(group, env, problems);
  if (result === undefined || problems.length > 0) throw new BadSettingsError(problems);
  return result.value;
}

/** Undefined when a problem was found. */
type Result<Value> = { readonly value: Value } | undefined;

function parseGroup<Value>(group: Group<Value>, env: Environment, problems: string[]): Result<Value> {
  const isSet: IsSet = ({ name, secret }) => Boolean(env[name] || (secret && env[`${name}_FILE`]));
  if (!group.isUsed(isSet)) return { value: undefined as Value };
  const before = problems.length;
  const values: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(group.members)) {
    const result = isGroup(member) ? parseGroup(member, env, problems) : parseSetting(member, env, problems);
    if (result) values[key] = result.value;
  }
  // Settings that are wrong by themselves are not compared with each other: one mistake, one line.
  if (problems.length > before) return undefined;
  return { value: group.combine(values as never, (problem) => problems.push(problem)) };
}

function parseSetting(setting: Setting, env: Environment, problems: string[]): Result<unknown> {
  try {
    const given = findText(setting, env);
    return { value: given === undefined ? undefined : setting.kind.parse(given) };
  } catch (error) {
    problems.push(`${setting.name}: ${explain(error, setting)}`);
    return undefined;
  }
}

/** From the environment, from the file that NAME_FILE names, or the default. Empty counts as unset. */
function findText(setting: Setting, env: Environment): string | undefined {
  const { name, secret } = setting;
  if (env[name]) return env[name];
  const file = secret ? env[`${name}_FILE`] : undefined;
  return file ? readSecret(file) : setting.default;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new UnreadableFileError(`the file "${file}" cannot be read`);
  }
}

class UnreadableFileError extends Error {}

function explain(error: unknown, { kind, secret, mayHoldPassword }: Setting): string {
  if (error instanceof UnreadableFileError) return error.message;
  if (!(error instanceof UnexpectedTextError)) throw error;
  const isPrintable = !secret && !mayHoldPassword;
  return `expected ${kind.expected}${isPrintable ? `, got "${error.text}"` : ''}`;
}
