import type { Account } from './accounts.ts';
import { malformedCaller, type Notation, type NumberPair, numberBehind, write } from './numbers.ts';
import { presets } from './presets.ts';
import { createChooser, createPicker, type Random, zipfWeights } from './random.ts';
import { rates } from './rates.ts';

/** Who calls from an account, and whom: its numbers, its favourite destinations, its addresses. */
export interface Caller {
  callingNumber(): NumberPair;
  destination(): Destination;
  remoteIp(): string;
}

export interface Destination {
  readonly called: NumberPair;
  /** Of calls to it. */
  readonly answerRatio: number;
}

interface Route {
  readonly prefix: string;
  readonly weight: number;
  readonly answerRatio: number;
}

const MALFORMED_CALLER = 0.006;
/** People and machines call the same numbers again. */
const REDIALLED = 0.25;
const REDIALLED_POOL = 150;
const DESTINATION_EXPONENT = 1.1;
const POOL_EXPONENT = 0.9;

export function createCaller(account: Account, random: Random): Caller {
  const { callingNotation, calledNotation } = createNotations(account, random);
  const routes = createRoutes(account, random);
  const pickRoute = createPicker(routes.map(({ weight }) => weight));
  const addresses = createAddresses(account, random);
  const callingNumbers = createCallingNumbers(account, callingNotation, random);
  const pickCalling = callingNumbers && createPicker(zipfWeights(callingNumbers.length, POOL_EXPONENT));

  const freshDestination = (): Destination => {
    const { prefix, answerRatio } = routes[pickRoute(random)]!;
    return { called: writePair(numberBehind(prefix, random), calledNotation, account), answerRatio };
  };
  const favourites = Array.from({ length: REDIALLED_POOL }, freshDestination);
  const pickFavourite = createPicker(zipfWeights(REDIALLED_POOL, DESTINATION_EXPONENT));

  return {
    callingNumber() {
      if (random.chance(MALFORMED_CALLER)) return malformedCaller(random);
      if (callingNumbers && pickCalling) return callingNumbers[pickCalling(random)]!;
      // Wholesale: the numbers are those of the carrier before us.
      const anywhere = rates[random.below(rates.length)]!;
      return writePair(numberBehind(anywhere.prefix, random), 'e164', account);
    },
    destination: () => (random.chance(REDIALLED) ? favourites[pickFavourite(random)]! : freshDestination()),
    remoteIp: () => addresses[random.below(addresses.length)]!,
  };
}

const writePair = (number: string, notation: Notation, { home }: Account): NumberPair => ({
  translated: number,
  received: write(number, notation, home),
});

function createNotations(
  { kind }: Account,
  random: Random,
): { callingNotation: Notation; calledNotation: Notation } {
  if (kind === 'wholesale') {
    return {
      callingNotation: 'e164',
      calledNotation: random.chance(0.5) ? `tech ${1000 + random.below(9000)}#` : 'e164',
    };
  }
  const choose = createChooser<Notation>([
    ['national', 6],
    ['plus', 2],
    ['e164', 2],
  ]);
  return { callingNotation: choose(random), calledNotation: 'national' };
}

/** A few hundred for a dialler, about one per user for people, none of its own for a trunk. */
function createCallingNumbers(
  account: Account,
  notation: Notation,
  random: Random,
): NumberPair[] | undefined {
  if (account.kind === 'wholesale') return undefined;
  const count = account.kind === 'dialler' ? 300 : Math.min(400, 20 + Math.round(account.share * 5000));
  const prefixes = [...account.home.fixed, ...account.home.other];
  return Array.from({ length: count }, () =>
    writePair(numberBehind(prefixes[random.below(prefixes.length)]!, random), notation, account),
  );
}

/** Shares of attempts; Zipf within each group. */
function createRoutes({ kind, home, corridor }: Account, random: Random): Route[] {
  const { answerRatio } = presets[kind];
  const ratio = () =>
    typeof answerRatio === 'number'
      ? answerRatio
      : answerRatio[0] + random.next() * (answerRatio[1] - answerRatio[0]);
  const group = (prefixes: readonly string[], share: number): Route[] => {
    const weights = zipfWeights(prefixes.length, DESTINATION_EXPONENT);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return prefixes.map((prefix, index) => ({
      prefix,
      weight: (share * weights[index]!) / total,
      answerRatio: ratio(),
    }));
  };
  const near = corridor ? corridor.routes : [...home.mobile, ...home.fixed, ...home.other];
  const far = rates.map(({ prefix }) => prefix).filter((prefix) => !near.includes(prefix));
  const shuffled = far.map((prefix) => ({ prefix, at: random.next() })).sort((a, b) => a.at - b.at);
  const abroad = shuffled.map(({ prefix }) => prefix);

  if (corridor) return [...group(corridor.routes, 0.9), ...group(abroad, 0.1)];
  const [mobile, fixed, other, rest] = kind === 'dialler' ? [0.75, 0.18, 0.06, 0.01] : [0.4, 0.35, 0.05, 0.2];
  return [
    ...group(home.mobile, mobile),
    ...group(home.fixed, fixed),
    ...group(home.other, other),
    ...group(abroad, rest),
  ];
}

/** From the blocks reserved for documentation, which belong to no network. */
function createAddresses({ kind, id }: Account, random: Random): string[] {
  const block = ['192.0.2', '198.51.100', '203.0.113'][id % 3]!;
  if (kind === 'wholesale' && random.chance(0.2)) return [`2001:db8:${id.toString(16)}::5060`];
  const count = kind === 'conversational' ? 4 : 2;
  return Array.from({ length: count }, () => `${block}.${1 + random.below(254)}`);
}
