/** No browser draws an element of 32 million pixels at every zoom; this one is far below what any can. */
export const TALLEST = 8_000_000;

/**
 * Maps the place of a scrollbar to a place in a list that is taller than an element can be. Small steps move the list
 * pixel by pixel; a jump of the scrollbar goes to the same part of the list. A list that fits is left alone.
 */
export class LongScroll {
  /** Where the list is, in pixels of the list. */
  offset = 0;
  #top = 0;
  #total = 0;
  #view = 0;

  /** Height of the list, and of what is seen of it. */
  resize(total: number, view: number): void {
    this.#total = total;
    this.#view = view;
    this.offset = this.#clamp(this.offset);
  }

  /** Height of the element that is scrolled. */
  get height(): number {
    return Math.min(this.#total, TALLEST);
  }

  /** What to take from a place in the list to get its place in the element. */
  get shift(): number {
    return this.offset - this.#top;
  }

  /** The reader scrolled to `top`. */
  scrolledTo(top: number): void {
    const moved = top - this.#top;
    this.#top = top;
    if (this.#total <= TALLEST) this.offset = top;
    else if (top <= 0) this.offset = 0;
    else if (top >= this.#end) this.offset = this.#total - this.#view;
    else if (Math.abs(moved) < this.#view) this.offset = this.#clamp(this.offset + moved);
    else this.offset = this.#clamp(top * this.#ratio);
  }

  /** Goes to a place in the list; returns where the scrollbar belongs. */
  goTo(offset: number): number {
    this.offset = this.#clamp(offset);
    return this.settle();
  }

  /** Small steps take the scrollbar away from its part of the list; returns where it belongs. */
  settle(): number {
    this.#top = this.#total <= TALLEST ? this.offset : Math.round(this.offset / this.#ratio);
    // At an end there is nothing left to scroll: keep away from it unless the list is there too.
    if (this.#total > TALLEST && this.offset > 0 && this.offset < this.#total - this.#view) {
      this.#top = Math.min(this.#end - 1, Math.max(1, this.#top));
    }
    return this.#top;
  }

  get #end(): number {
    return this.height - this.#view;
  }

  get #ratio(): number {
    return (this.#total - this.#view) / Math.max(1, this.#end);
  }

  #clamp(offset: number): number {
    return Math.min(Math.max(0, this.#total - this.#view), Math.max(0, offset));
  }
}
