import type { Principal } from './principals.ts';

/** So many of something for each principal at once. */
export class Places {
  readonly #perPrincipal: number;
  /** By name of the principal. */
  readonly #taken = new Map<string, number>();

  constructor(perPrincipal: number) {
    this.#perPrincipal = perPrincipal;
  }

  /** Undefined: there is none left. What is returned gives the place back, once. */
  take({ name }: Principal): (() => void) | undefined {
    const taken = this.#taken.get(name) ?? 0;
    if (taken >= this.#perPrincipal) return undefined;
    this.#taken.set(name, taken + 1);
    let isHeld = true;
    return () => {
      if (isHeld) this.#giveBack(name);
      isHeld = false;
    };
  }

  #giveBack(name: string): void {
    const rest = this.#taken.get(name)! - 1;
    if (rest > 0) this.#taken.set(name, rest);
    else this.#taken.delete(name);
  }
}
