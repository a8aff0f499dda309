/** How people of a country dial: what stands before a number at home and abroad, and how long it is without that. */
export interface DiallingPlan {
  /** Before a country code. `00` is understood everywhere. */
  readonly international: readonly string[];
  /** Before a number of the own country, and no part of it; empty where there is none. */
  readonly trunk: string;
  /** Digits of a whole number, without country code and trunk prefix. */
  readonly lengths: readonly [min: number, max: number];
}

const plan = (trunk: string, min: number, max = min, ...international: readonly string[]): DiallingPlan => ({
  international: [...international, '00'],
  trunk,
  lengths: [min, max],
});

/** Most countries. */
const common = plan('0', 7, 11);

/** By country code, where it is not as in most countries, or where all numbers have one length. */
const plans: Readonly<Record<string, DiallingPlan>> = {
  1: plan('', 10, 10, '011'),
  7: plan('8', 10, 10, '810'),
  27: plan('0', 9),
  30: plan('', 10),
  31: plan('0', 9),
  32: plan('0', 8, 9),
  33: plan('0', 9),
  34: plan('', 9),
  36: plan('06', 8, 9),
  39: plan('', 6, 11),
  41: plan('0', 9),
  44: plan('0', 9, 10),
  45: plan('', 8),
  47: plan('', 8),
  48: plan('', 9),
  52: plan('', 10),
  55: plan('0', 10, 11),
  56: plan('', 9),
  57: plan('', 10),
  61: plan('0', 9, 9, '0011'),
  65: plan('', 8, 8, '001', '008'),
  81: plan('0', 9, 10, '010'),
  82: plan('0', 8, 10, '001', '002'),
  90: plan('0', 10),
  91: plan('0', 10),
  212: plan('0', 9),
  213: plan('0', 8, 9),
  216: plan('', 8),
  221: plan('', 9),
  225: plan('', 10),
  226: plan('', 8),
  227: plan('', 8),
  228: plan('', 8),
  229: plan('', 10),
  237: plan('', 9),
  242: plan('', 9),
  351: plan('', 9),
  352: plan('', 5, 11),
  353: plan('0', 7, 9),
  371: plan('', 8),
  372: plan('', 7, 8),
  376: plan('', 6),
  377: plan('', 8, 9),
  378: plan('', 6, 10),
  420: plan('', 9),
  852: plan('', 8, 8, '001'),
};

/** Italy, San Marino, Ivory Coast, Benin, the Congo: the zero that numbers begin with is part of them. */
const withZero: readonly string[] = ['39', '378', '225', '229', '242'];

export function keepsZero(countryCode: string): boolean {
  return withZero.includes(countryCode);
}

export function diallingPlanOf(countryCode: string): DiallingPlan {
  return plans[countryCode] ?? common;
}
