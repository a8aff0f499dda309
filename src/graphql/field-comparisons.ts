import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
  visit,
} from 'graphql';

/** What is selected right here, inline fragments opened: fields by response name, and the fragments that are spread. */
interface Level {
  readonly fields: ReadonlyMap<string, readonly FieldNode[]>;
  readonly spreads: readonly string[];
}

/**
 * How many comparisons validation needs to see that fields of one response name can be merged: each field with each
 * other one of that name, their selections likewise, and fragments with what stands beside them. It is graphql-js' own
 * walk (`OverlappingFieldsCanBeMergedRule`) with nothing but a counter in it. Repeats make it quadratic at every level,
 * so that a few kilobytes can hold up the only thread for seconds. Counting stops above `limit`.
 */
export function countComparisons(document: DocumentNode, limit: number): number {
  const counter = new ComparisonCounter(document, limit);
  try {
    visit(document, {
      SelectionSet(selectionSet, _key, parent) {
        if (parent && 'kind' in parent && parent.kind === Kind.INLINE_FRAGMENT) return;
        counter.within(selectionSet);
      },
    });
  } catch (error) {
    if (!(error instanceof CountedEnough)) throw error;
  }
  return counter.count;
}

class CountedEnough extends Error {}

class ComparisonCounter {
  count = 0;
  readonly #limit: number;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #levels = new Map<SelectionSetNode, Level>();
  readonly #comparedFragments = new Set<string>();
  readonly #comparedWithFields = new Map<Level, Set<string>>();

  constructor(document: DocumentNode, limit: number) {
    this.#limit = limit;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition);
    }
  }

  within(selectionSet: SelectionSetNode): void {
    const level = this.#levelOf(selectionSet);
    for (const fields of level.fields.values()) {
      for (let one = 0; one < fields.length; one++) {
        for (let other = one + 1; other < fields.length; other++) this.#compare(fields[one]!, fields[other]!);
      }
    }
    level.spreads.forEach((name, index) => {
      this.#compareWithFragment(level, name);
      for (const other of level.spreads.slice(index + 1)) this.#compareFragments(name, other);
    });
  }

  #compare(one: FieldNode, other: FieldNode): void {
    this.#step();
    if (!one.selectionSet || !other.selectionSet) return;
    const [first, second] = [this.#levelOf(one.selectionSet), this.#levelOf(other.selectionSet)];
    this.#between(first, second);
    for (const name of second.spreads) this.#compareWithFragment(first, name);
    for (const name of first.spreads) this.#compareWithFragment(second, name);
    for (const name of first.spreads) {
      for (const otherName of second.spreads) this.#compareFragments(name, otherName);
    }
  }

  #between(one: Level, other: Level): void {
    for (const [name, fields] of one.fields) {
      const others = other.fields.get(name);
      if (!others) continue;
      for (const field of fields) for (const second of others) this.#compare(field, second);
    }
  }

  #compareWithFragment(level: Level, name: string): void {
    this.#step();
    const compared = this.#comparedWithFields.get(level) ?? new Set<string>();
    this.#comparedWithFields.set(level, compared);
    const fragment = this.#fragments.get(name);
    if (!fragment || compared.has(name)) return;
    compared.add(name);
    const ofFragment = this.#levelOf(fragment.selectionSet);
    if (ofFragment === level) return;
    this.#between(level, ofFragment);
    for (const spread of ofFragment.spreads) this.#compareWithFragment(level, spread);
  }

  #compareFragments(one: string, other: string): void {
    this.#step();
    const pair = one < other ? `${one} ${other}` : `${other} ${one}`;
    const [first, second] = [this.#fragments.get(one), this.#fragments.get(other)];
    if (one === other || !first || !second || this.#comparedFragments.has(pair)) return;
    this.#comparedFragments.add(pair);
    const [levelOfFirst, levelOfSecond] = [
      this.#levelOf(first.selectionSet),
      this.#levelOf(second.selectionSet),
    ];
    this.#between(levelOfFirst, levelOfSecond);
    for (const spread of levelOfSecond.spreads) this.#compareFragments(one, spread);
    for (const spread of levelOfFirst.spreads) this.#compareFragments(spread, other);
  }

  #levelOf(selectionSet: SelectionSetNode): Level {
    const known = this.#levels.get(selectionSet);
    if (known) return known;
    const fields = new Map<string, FieldNode[]>();
    const spreads = new Set<string>();
    collect(selectionSet, fields, spreads);
    const level = { fields, spreads: [...spreads] };
    this.#levels.set(selectionSet, level);
    return level;
  }

  #step(): void {
    this.count += 1;
    if (this.count > this.#limit) throw new CountedEnough();
  }
}

function collect(
  { selections }: SelectionSetNode,
  fields: Map<string, FieldNode[]>,
  spreads: Set<string>,
): void {
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet, fields, spreads);
    else if (selection.kind === Kind.FRAGMENT_SPREAD) spreads.add(selection.name.value);
    else {
      const name = selection.alias?.value ?? selection.name.value;
      const same = fields.get(name);
      if (same) same.push(selection);
      else fields.set(name, [selection]);
    }
  }
}
