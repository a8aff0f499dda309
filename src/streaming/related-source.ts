import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { FindRelated, RelatedName, RelatedPlan, RelatedSource } from './related-objects.ts';
import { executeRelated, type RelatedExecution, type RelatedValue } from './related-selection.ts';

/** Objects that are executed before others get a turn of the event loop: some ten milliseconds. */
const MAX_EXECUTED = 250;

const nothing: RelatedValue = { value: null, failures: [] };

/** Obtains objects that calls refer to: finds them, and lets GraphQL execute what is selected of each, once per object. */
export function createRelatedSource(find: FindRelated, executionOf: () => RelatedExecution): RelatedSource {
  let execution: RelatedExecution | undefined;
  const known = new WeakMap<RelatedPlan, WeakMap<object, RelatedValue>>();
  const findOnce = sharing(find);

  return async (plan, keys) => {
    const found = await findOnce(plan.name, keys);
    const values = known.get(plan) ?? new WeakMap<object, RelatedValue>();
    known.set(plan, values);
    const fresh = new Set<object>();
    for (const each of found) if (each && !(each instanceof Error) && !values.has(each)) fresh.add(each);
    execution ??= executionOf();
    const left = [...fresh];
    while (left.length > 0) {
      const objects = left.splice(0, MAX_EXECUTED);
      const executed = await executeRelated(plan.selection, objects, execution);
      for (const [index, object] of objects.entries()) values.set(object, executed[index]!);
      if (left.length > 0) await nextTurn();
    }
    return found.map((each) => {
      if (each instanceof Error) return { value: null, failures: [{ path: [], error: each }] };
      return each ? values.get(each)! : nothing;
    });
  };
}

/** Fields that differ in their selection alone want the same objects at the same time: they are found once. */
function sharing(find: FindRelated): FindRelated {
  const finding = new Map<
    RelatedName,
    { readonly keys: readonly string[]; readonly found: ReturnType<FindRelated> }
  >();
  return (name, keys) => {
    const other = finding.get(name);
    if (other && isDeepStrictEqual(other.keys, keys)) return other.found;
    const found = find(name, keys).finally(() => finding.delete(name));
    finding.set(name, { keys, found });
    return found;
  };
}
