import type { CdrColumnName } from '../db/sources/cdr-columns.ts';
import { keyAtOf } from './key-columns.ts';
import type { RelatedPlan } from './related-objects.ts';

/** Where a value lies that is not one of the key columns, and that follows the one read before it. */
export const NEXT = 0;

/**
 * What rows must have behind their keys, in the order in which it is read. The key of an object comes once, also where
 * it is shown itself. A column that is shown twice comes twice: the room for a row is reckoned from what it holds.
 */
export class SelectedColumns {
  readonly columns: CdrColumnName[] = [];
  readonly related: RelatedPlan[] = [];
  /** By column: the related objects that it is the key of. */
  readonly relatedOf: number[][] = [];
  readonly #areShown: boolean[] = [];

  /**
   * Of a column that is shown. Returns where it lies: above 0 the place of a key column, which is the same in every row;
   * NEXT; or below it, of a column that was read already, the complement of its index.
   */
  add(column: CdrColumnName): number {
    const keyAt = keyAtOf(column);
    if (keyAt > 0) return keyAt;
    const known = this.columns.findIndex((each, index) => each === column && !this.#areShown[index]);
    if (known < 0) return this.#push(column, true);
    this.#areShown[known] = true;
    return ~known;
  }

  /** Returns where its key lies, and which of the related objects it is. */
  addRelated(plan: RelatedPlan): { readonly keyAt: number; readonly related: number } {
    const known = this.columns.indexOf(plan.column);
    const keyAt = known < 0 ? this.#push(plan.column, false) : ~known;
    const related = this.related.push(plan) - 1;
    this.relatedOf[this.columns.indexOf(plan.column)]!.push(related);
    return { keyAt, related };
  }

  #push(column: CdrColumnName, isShown: boolean): number {
    this.columns.push(column);
    this.relatedOf.push([]);
    this.#areShown.push(isShown);
    return NEXT;
  }
}
