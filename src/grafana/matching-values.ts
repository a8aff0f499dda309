import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Choice } from '../db/calls/cdr-dimensions.ts';
import { cdrFilters } from '../db/calls/cdr-filter.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import type { AdHocFilter } from './body.ts';
import { choices } from './call-query.ts';
import { findCallValues } from './call-values.ts';
import type { GrafanaContext } from './context.ts';
import { unquoteEmpty } from './interpolation.ts';
import type { Pattern } from './pattern.ts';
import type { Payload } from './payload.ts';

/** As many as a filter of calls takes. */
const MAX_VALUES = 10_000;
/** For so long values are looked at before others have the event loop. */
const MAX_TURN_MS = 10;

const everyCall: Payload = {};

/**
 * The filters with the values that match in the place of regular expressions: among the calls of the span, accounts and
 * customers also by their names. Filters of standbys stay as they are.
 */
export async function resolvePatterns(
  filters: readonly AdHocFilter[],
  span: TimeSpan,
  grafana: GrafanaContext,
): Promise<readonly AdHocFilter[]> {
  const resolved: AdHocFilter[] = [];
  for (const filter of filters) {
    const { key, isNegative, pattern } = filter;
    const choice = choices.find((one) => one.key === key);
    if (choice && pattern) {
      const values = await findMatching({ choice, pattern, key }, span, grafana);
      resolved.push({ key, isNegative, values });
    } else {
      resolved.push(filter);
    }
  }
  return resolved;
}

interface Sought {
  readonly choice: Choice;
  readonly pattern: Pattern;
  readonly key: string;
}

async function findMatching(
  { choice, pattern, key }: Sought,
  span: TimeSpan,
  grafana: GrafanaContext,
): Promise<readonly string[]> {
  // Ids are found by names too, and what these are is not known before.
  if (pattern.literals && cdrFilters[choice.filter].kind !== 'ids') return pattern.literals;
  const known = await findCallValues(choice, span, everyCall, grafana, MAX_VALUES + 1);
  if (known.length > MAX_VALUES) {
    throw new InvalidArgumentError(
      `Filter "${key}": a regular expression is looked for among at most ${MAX_VALUES} values; there are more.`,
    );
  }
  const matching: string[] = [];
  let turnBegan = performance.now();
  for (const { value, name } of known) {
    if (performance.now() - turnBegan > MAX_TURN_MS) {
      await nextTurn();
      turnBegan = performance.now();
    }
    const texts = name === null ? [unquoteEmpty(value)] : [value, name];
    if (texts.some(pattern.matches)) matching.push(unquoteEmpty(value));
  }
  return matching;
}
