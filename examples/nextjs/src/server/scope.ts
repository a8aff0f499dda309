import type { User } from './users.ts';

type Variables = Readonly<Record<string, unknown>>;

/** The variables that are filters, of any of our operations. */
const isFilterName = (name: string) => /^(filter\d*|\w+Filter|before|after)$/.test(name);

/**
 * The variables as the user may ask them. A customer's accounts come from the session alone: whatever accounts or
 * customers the browser names are replaced, in every filter of the operation, a missing one included. Who sees numbers
 * masked cannot find them out by filtering either.
 */
export function scopeVariables(user: User, text: string, variables: Variables): Variables {
  if (user.role === 'admin' && !user.masked) return variables;
  const declared = [...text.matchAll(/\$(\w+): CdrFilter\b/g)].map(([, name]) => name!);
  const scoped: Record<string, unknown> = { ...variables };
  for (const name of declared) {
    if (!isFilterName(name)) throw new Error(`The filter "${name}" has no rule of scope.`);
    const filter = user.masked ? withoutNumbers(variables[name]) : asObject(variables[name]);
    scoped[name] =
      user.role === 'admin' ? filter : { ...filter, accountIds: user.accountIds, customerIds: null };
  }
  return scoped;
}

/** A filter by anything but numbers, also in the filters within it. */
function withoutNumbers(filter: unknown): Record<string, unknown> {
  const kept = Object.entries(asObject(filter)).filter(([name]) => !/^cl[id]/.test(name));
  return Object.fromEntries(
    kept.map(([name, value]) => {
      if (value === null || (name !== 'not' && name !== 'anyOf')) return [name, value];
      // One filter may stand for a list of it.
      return [name, Array.isArray(value) ? value.map(withoutNumbers) : withoutNumbers(value)];
    }),
  );
}

/** A single call is asked for by its id, which no filter narrows: what is not the customer's own is not there. */
export function scopeAnswer(user: User, answer: Answer): Answer {
  if (user.role === 'admin' || !answer.data) return answer;
  const data = Object.fromEntries(
    Object.entries(answer.data).map(([key, value]) => [key, isForeign(user, value) ? null : value]),
  );
  return { ...answer, data };
}

/** A GraphQL answer, as far as scope and masking need to know it. */
export interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly unknown[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A call of another account, or another account itself. */
function isForeign(user: User, value: unknown): boolean {
  const { accountId, username, id } = asObject(value);
  const owner = accountId ?? (username === undefined ? undefined : id);
  return typeof owner === 'string' && !user.accountIds.includes(owner);
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
