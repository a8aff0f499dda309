import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { RelatedFinder, RelatedName, RelatedPlan, RelatedSource } from './related-objects.ts';
import { executeRelated, type RelatedExecution, type RelatedValue } from './related-selection.ts';

/** Objects that are executed before others get a turn of the event loop: some ten milliseconds. */
const MAX_EXECUTED = 250;

type KnownValues = WeakMap<RelatedPlan, WeakMap<object, RelatedValue>>;

/** Values that lists after this one find here, before all of them are forgotten: some megabytes. */
const MAX_KEPT = 40_000;
/** Of objects that are found at once and never change. Plans are kept with their documents. */
let kept: KnownValues = new WeakMap();
let keptCount = 0;

const nothing: RelatedValue = { value: null, failures: [] };

/** Obtains objects that calls refer to: finds them, and lets GraphQL execute what is selected of each, once per object. */
export function createRelatedSource(
  finder: RelatedFinder,
  executionOf: () => RelatedExecution,
): RelatedSource {
  let execution: RelatedExecution | undefined;
  const known: KnownValues = new WeakMap();
  const findOnce = sharing(finder);

  async function execute(
    plan: RelatedPlan,
    objects: Iterable<object>,
  ): Promise<WeakMap<object, RelatedValue>> {
    const isKept = finder.findNow(plan.name) !== undefined && plan.selection.isFixed;
    if (isKept && keptCount > MAX_KEPT) {
      kept = new WeakMap();
      keptCount = 0;
    }
    const values = valuesOf(isKept ? kept : known, plan);
    const left = [...objects].filter((object) => !values.has(object));
    if (isKept) keptCount += left.length;
    execution ??= executionOf();
    while (left.length > 0) {
      const some = left.splice(0, MAX_EXECUTED);
      const executed = await executeRelated(plan.selection, some, execution);
      for (const [index, object] of some.entries()) values.set(object, executed[index]!);
      if (left.length > 0) await nextTurn();
    }
    return values;
  }

  return {
    findNow: (name) => finder.findNow(name),
    foresee: (name) => finder.foresee(name),
    async obtain(plan, keys) {
      const found = await findOnce(plan.name, keys);
      const fresh = new Set<object>();
      for (const each of found) if (each && !(each instanceof Error)) fresh.add(each);
      const values = await execute(plan, fresh);
      return found.map((each) => {
        if (each instanceof Error) return { value: null, failures: [{ path: [], error: each }] };
        return each ? values.get(each)! : nothing;
      });
    },
    answerNow: (plan, object) => kept.get(plan)?.get(object),
    async answer(plan, objects) {
      const values = await execute(plan, objects);
      return objects.map((object) => values.get(object)!);
    },
  };
}

function valuesOf(known: KnownValues, plan: RelatedPlan): WeakMap<object, RelatedValue> {
  const values = known.get(plan) ?? new WeakMap<object, RelatedValue>();
  known.set(plan, values);
  return values;
}

/** Fields that differ in their selection alone want the same objects at the same time: they are found once. */
function sharing(finder: RelatedFinder): RelatedFinder['find'] {
  const finding = new Map<
    RelatedName,
    { readonly keys: readonly string[]; readonly found: ReturnType<RelatedFinder['find']> }
  >();
  return (name, keys) => {
    const other = finding.get(name);
    if (other && isDeepStrictEqual(other.keys, keys)) return other.found;
    const found = finder.find(name, keys).finally(() => finding.delete(name));
    finding.set(name, { keys, found });
    return found;
  };
}
