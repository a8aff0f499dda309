import { InvalidArgumentError } from '../errors.ts';

/**
 * Regular expressions of ad hoc filters, which whoever opens a dashboard may write. JavaScript's own can take years over
 * thirty characters; these take a step for each part of the pattern at each place of the text. They know what is made of
 * characters, `.`, classes, groups, `|` and repetitions; a value must match as a whole, as in Prometheus.
 */
export interface Pattern {
  matches(text: string): boolean;
  /** Every text it can mean, where it is nothing but texts with `|` between them, in brackets or not. */
  readonly literals: readonly string[] | undefined;
}

/** The places a part of the pattern may lead to, from some of the places of a text. */
type Part = (text: string, from: ReadonlySet<number>) => ReadonlySet<number>;

const MAX_CHARACTERS = 1000;
/** Of groups within one another. */
const MAX_DEPTH = 20;
const MAX_REPETITIONS = 100;

/** Throws InvalidArgumentError. */
export function parsePattern(pattern: string, where: string): Pattern {
  if (pattern.length > MAX_CHARACTERS) {
    throw new InvalidArgumentError(`${where}: at most ${MAX_CHARACTERS} characters.`);
  }
  const part = new Parser(pattern, where).parse();
  return { matches: (text) => part(text, new Set([0])).has(text.length), literals: literalsOf(pattern) };
}

function literalsOf(pattern: string): readonly string[] | undefined {
  const inside = /^\((?:\?:)?(.*)\)$/s.exec(pattern)?.[1] ?? pattern;
  const isPlain = /^(?:[^\\^$.*+?()[\]{}]|\\[^A-Za-z0-9])*$/s.test(inside);
  if (!isPlain) return undefined;
  return `${inside}|`
    .match(/(?:[^\\|]|\\.)*\|/gs)!
    .map((text) => text.slice(0, -1).replaceAll(/\\(.)/gs, '$1'));
}

class Parser {
  readonly #pattern: string;
  readonly #where: string;
  #at = 0;
  #depth = 0;

  constructor(pattern: string, where: string) {
    this.#pattern = pattern;
    this.#where = where;
  }

  parse(): Part {
    const part = this.#parseChoices();
    if (this.#at < this.#pattern.length) throw this.#fail('a bracket is closed that was not opened');
    return part;
  }

  #parseChoices(): Part {
    const choices = [this.#parseSequence()];
    while (this.#takes('|')) choices.push(this.#parseSequence());
    if (choices.length === 1) return choices[0]!;
    return (text, from) => new Set(choices.flatMap((choice) => [...choice(text, from)]));
  }

  #parseSequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#next())) parts.push(this.#parseRepeated());
    return (text, from) => parts.reduce((places, part) => part(text, places), from);
  }

  #parseRepeated(): Part {
    let part = this.#parseOne();
    for (;;) {
      if (this.#takes('*')) part = repeat(part, 0, Number.POSITIVE_INFINITY);
      else if (this.#takes('+')) part = repeat(part, 1, Number.POSITIVE_INFINITY);
      else if (this.#takes('?')) part = repeat(part, 0, 1);
      else if (this.#next() === '{') part = this.#parseCounted(part);
      else return part;
      // Whether it takes as much or as little as it can makes no difference to whether it matches.
      this.#takes('?');
    }
  }

  #parseCounted(part: Part): Part {
    const found = /^\{(\d{1,4})(,(\d{1,4})?)?\}/.exec(this.#pattern.slice(this.#at));
    if (!found) throw this.#fail('"{" begins no repetition; a brace itself is written "\\{"');
    const [whole, least, comma, most] = found;
    const max =
      comma === undefined ? Number(least) : most === undefined ? Number.POSITIVE_INFINITY : Number(most);
    const isTooMany = Number(least) > MAX_REPETITIONS || (Number.isFinite(max) && max > MAX_REPETITIONS);
    if (isTooMany) throw this.#fail(`at most ${MAX_REPETITIONS} repetitions`);
    this.#at += whole.length;
    return repeat(part, Number(least), max);
  }

  #parseOne(): Part {
    if (this.#takes('(')) return this.#parseGroup();
    if (this.#takes('^')) return (_, from) => keep(from, (place) => place === 0);
    if (this.#takes('$')) return (text, from) => keep(from, (place) => place === text.length);
    if (this.#takes('.')) return character(() => true);
    if (this.#next() === '[') return this.#parseClass();
    if ('*+?{'.includes(this.#next())) throw this.#fail('there is nothing to repeat');
    if (this.#next() === '\\') return this.#parseEscaped();
    const own = this.#next();
    this.#at += 1;
    return character((one) => one === own);
  }

  #parseGroup(): Part {
    if (this.#takes('?') && !this.#takes(':'))
      throw this.#fail('of groups that begin with "?" there is only "(?:…)"');
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#fail(`at most ${MAX_DEPTH} groups within one another`);
    const part = this.#parseChoices();
    this.#depth -= 1;
    if (!this.#takes(')')) throw this.#fail('a bracket is not closed');
    return part;
  }

  #parseClass(): Part {
    const [text] = /^\[\^?\]?(?:[^\]\\]|\\.)*\]/s.exec(this.#pattern.slice(this.#at)) ?? [];
    if (text === undefined) throw this.#fail('a "[" is not closed');
    this.#at += text.length;
    return this.#ofOneCharacter(text.replace(/^(\[\^?)\]/, '$1\\]').replaceAll(/(?<!^)\[/g, '\\['));
  }

  #parseEscaped(): Part {
    const text = this.#pattern.slice(this.#at, this.#at + 2);
    if (!/^\\(?:[dDsSwW]|[^A-Za-z0-9])$/s.test(text)) throw this.#fail(`"${text}" is not known`);
    this.#at += 2;
    return this.#ofOneCharacter(text);
  }

  /** What stands for one character is harmless, and JavaScript knows it. */
  #ofOneCharacter(text: string): Part {
    try {
      const known = new RegExp(`^${text}$`, 's');
      return character((one) => known.test(one));
    } catch {
      throw this.#fail(`"${text.slice(0, 40)}" is no class of characters`);
    }
  }

  #next(): string {
    return this.#pattern[this.#at] ?? '';
  }

  #takes(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at += 1;
    return true;
  }

  #fail(reason: string): InvalidArgumentError {
    return new InvalidArgumentError(
      `${this.#where}: the regular expression "${this.#pattern.slice(0, 80)}" cannot be read: ${reason}.`,
    );
  }
}

function keep(places: ReadonlySet<number>, isKept: (place: number) => boolean): ReadonlySet<number> {
  return new Set([...places].filter(isKept));
}

function character(isMeant: (one: string) => boolean): Part {
  return (text, from) => {
    const next = new Set<number>();
    for (const place of from) if (place < text.length && isMeant(text[place]!)) next.add(place + 1);
    return next;
  };
}

function repeat(part: Part, least: number, most: number): Part {
  return (text, from) => {
    let places = from;
    for (let count = 0; count < least && places.size > 0; count++) {
      const next = part(text, places);
      // What may mean nothing leads to where it began, again and again; within one another, that would never end.
      if (isSame(next, places)) break;
      places = next;
    }
    const reached = new Set(places);
    for (let count = least; count < most && places.size > 0; count++) {
      places = keep(part(text, places), (place) => !reached.has(place));
      for (const place of places) reached.add(place);
    }
    return reached;
  };
}

function isSame(one: ReadonlySet<number>, other: ReadonlySet<number>): boolean {
  return one.size === other.size && one.isSubsetOf(other);
}
