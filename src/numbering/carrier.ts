/** What kind of line a number leads to, and what that means. */
export const lineKinds = {
  FIXED: 'A fixed line.',
  MOBILE: 'A mobile.',
  FIXED_OR_MOBILE: 'One of the two: the numbers of the country do not tell, as in North America.',
  TOLL_FREE: 'Free for the caller.',
  PREMIUM_RATE: 'Dearer than an ordinary call.',
  SHARED_COST: 'Paid partly by the called side.',
  VOIP: 'Not bound to a place: voice over IP.',
  MACHINE: 'A machine: the French numbers of 13 and 14 digits.',
  SHORT_CODE: 'A French number of two to six digits: emergency, directory, services.',
  OTHER: 'None of these: personal numbers, pagers, voicemail, companies.',
} as const;

export type LineKind = keyof typeof lineKinds;

/** What is known from the digits of a number. Null is what neither the digits nor the configured files tell. */
export interface Carrier {
  readonly blockHolder: string | null;
  readonly blockHolderCode: string | null;
  readonly territory: string | null;
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null;
  readonly lineKind: LineKind | null;
  /** Of the block, as the plan writes it: national, `0612`. */
  readonly prefix: string | null;
}

/** Who looks numbers up. */
export interface CarrierSource {
  /** Position by position; null is unknown. Needs no database. */
  lookUp(numbers: readonly string[]): Promise<readonly (Carrier | null)[]>;
  /**
   * The same, at once, of the text that lies from `from` to `to`: the same object for numbers of which the same is known.
   * Undefined when it must be looked up as above. May throw.
   */
  findNow?(text: Uint8Array, from: number, to: number): Carrier | null | undefined;
}
