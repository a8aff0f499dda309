/** Reproducible randomness: the same seed gives the same numbers on every machine. Not for secrets. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  below(limit: number): number;
  chance(probability: number): boolean;
  /** 32 random bits, not negative. */
  bits(): number;
  /** Lognormal: half of the values lie below `median`; `sigma` is the spread of their logarithm. */
  lognormal(median: number, sigma: number): number;
}

/** Marsaglia's xorshift128, its state spread out from one number. */
export function createRandom(seed: number): Random {
  let [a, b, c, d] = [mix(seed + 1), mix(seed + 2), mix(seed + 3), mix(seed + 4) | 1];
  function bits(): number {
    const t = a ^ (a << 11);
    a = b;
    b = c;
    c = d;
    d = d ^ (d >>> 19) ^ t ^ (t >>> 8);
    return d >>> 0;
  }
  const next = () => bits() / 4_294_967_296;
  const random: Random = {
    bits,
    next,
    below: (limit) => Math.floor(next() * limit),
    chance: (probability) => next() < probability,
    lognormal: (median, sigma) => {
      // Box and Muller; 1 - next() is never 0, so the logarithm is finite.
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return median * Math.exp(sigma * normal);
    },
  };
  for (let warmUp = 0; warmUp < 16; warmUp++) bits();
  return random;
}

/** Neighbouring numbers become unrelated ones. */
function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return x ^ (x >>> 16);
}

/** Draws an index in proportion to its weight. */
export type Picker = (random: Random) => number;

/** Walker's alias method: each draw costs one random number, however many weights there are. */
export function createPicker(weights: readonly number[]): Picker {
  const count = weights.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scaled = weights.map((weight) => (weight * count) / total);
  const probability = new Float64Array(count).fill(1);
  const alias = new Uint32Array(count);
  const small = scaled.flatMap((weight, index) => (weight < 1 ? [index] : []));
  const large = scaled.flatMap((weight, index) => (weight < 1 ? [] : [index]));
  while (small.length > 0 && large.length > 0) {
    const low = small.pop()!;
    const high = large.at(-1)!;
    probability[low] = scaled[low]!;
    alias[low] = high;
    scaled[high]! -= 1 - scaled[low]!;
    if (scaled[high]! < 1) small.push(large.pop()!);
  }
  return (random) => {
    const point = random.next() * count;
    const index = Math.floor(point);
    return point - index < probability[index]! ? index : alias[index]!;
  };
}

/** Weights of Zipf's law: the k-th is `1 / k^exponent`. */
export function zipfWeights(count: number, exponent: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + 1) ** -exponent);
}

/** One of the values, in proportion to its weight. */
export function createChooser<T>(
  entries: readonly (readonly [value: T, weight: number])[],
): (random: Random) => T {
  const pick = createPicker(entries.map(([, weight]) => weight));
  return (random) => entries[pick(random)]![0];
}
