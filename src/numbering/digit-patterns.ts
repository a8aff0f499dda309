/**
 * Patterns of digits, all tried at once: one walk over the digits of a number finds every pattern that it matches, where
 * regular expressions would each begin anew. The patterns are those of libphonenumber: digits, `\d`, `[2-57]`, groups,
 * alternatives, and repetitions that end. Where a digit leads is worked out when it is first met, and kept: a set of
 * patterns has so many states and no more, whatever numbers come. All of libphonenumber's together have some 22,000.
 */
export interface DigitPattern {
  readonly pattern: string;
  /** Whether more digits may follow what matches. */
  readonly isBeginning?: boolean;
}

/** What digits have led to. */
export interface DigitState<Answer> {
  /** Behind one more digit, 0 to 9. */
  after(digit: number): DigitState<Answer>;
  /** When the number ends here, and has so many digits. */
  answer(length: number): Answer;
}

/** What the patterns say of a number; the same for the same arguments. `matched` are indices of patterns. */
export type DeriveAnswer<Answer> = (matched: ReadonlySet<number>, length: number) => Answer;

/** Returns the state before the first digit. Throws a SyntaxError for a pattern of another form. */
export function createDigitPatterns<Answer>(
  patterns: readonly DigitPattern[],
  derive: DeriveAnswer<Answer>,
): DigitState<Answer> {
  const program: Instruction[] = [];
  const starts = patterns.map(({ pattern, isBeginning = false }, index) => {
    const match = program.push({ match: index }) - 1;
    const end = isBeginning ? program.push({ oneOf: [match, program.length + 1] }) - 1 : match;
    if (isBeginning) program.push({ digits: ANY, next: end });
    return compile(parsePattern(pattern), end, program);
  });
  return stateOf(starts, { program, states: new Map(), derive });
}

/** What all states of one set of patterns share. */
interface Machine<Answer> {
  readonly program: readonly Instruction[];
  readonly states: Map<string, State<Answer>>;
  readonly derive: DeriveAnswer<Answer>;
}

/** A set of digits, one bit each. */
type Digits = number;
const ANY: Digits = 0b11_1111_1111;

/** Where to go from here: with one of these digits, or to several places at once; or a pattern that has matched. */
type Instruction =
  | { readonly digits: Digits; readonly next: number }
  | { readonly oneOf: readonly number[] }
  | { readonly match: number };

class State<Answer> implements DigitState<Answer> {
  readonly #places: readonly number[];
  readonly #machine: Machine<Answer>;
  readonly #next: (State<Answer> | undefined)[] = Array(10).fill(undefined);
  readonly #answers: { readonly answer: Answer }[] = [];

  constructor(places: readonly number[], machine: Machine<Answer>) {
    this.#places = places;
    this.#machine = machine;
  }

  after(digit: number): State<Answer> {
    const known = this.#next[digit];
    if (known) return known;
    const next = this.#step(digit);
    this.#next[digit] = next;
    return next;
  }

  answer(length: number): Answer {
    const known = this.#answers[length];
    if (known) return known.answer;
    const answer = this.#derive(length);
    this.#answers[length] = { answer };
    return answer;
  }

  #step(digit: number): State<Answer> {
    const reached: number[] = [];
    for (const place of this.#places) {
      const instruction = this.#machine.program[place]!;
      if ('digits' in instruction && instruction.digits & (1 << digit)) reached.push(instruction.next);
    }
    return stateOf(reached, this.#machine);
  }

  #derive(length: number): Answer {
    const matched = new Set<number>();
    for (const place of this.#places) {
      const instruction = this.#machine.program[place]!;
      if ('match' in instruction) matched.add(instruction.match);
    }
    return this.#machine.derive(matched, length);
  }
}

/** The same places are the same state, however they were reached. */
function stateOf<Answer>(reached: readonly number[], machine: Machine<Answer>): State<Answer> {
  const { program, states } = machine;
  const places = new Set<number>();
  const left = [...reached];
  for (let place = left.pop(); place !== undefined; place = left.pop()) {
    const instruction = program[place]!;
    if ('oneOf' in instruction) left.push(...instruction.oneOf);
    else places.add(place);
  }
  const sorted = [...places].sort((one, other) => one - other);
  const key = sorted.join();
  const known = states.get(key);
  if (known) return known;
  const state = new State(sorted, machine);
  states.set(key, state);
  return state;
}

type Pattern =
  | { readonly kind: 'digits'; readonly digits: Digits }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'alternatives'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'repeated'; readonly part: Pattern; readonly min: number; readonly max: number };

/** Appends what matches the pattern and then goes on at `next`. Returns where it begins. */
function compile(pattern: Pattern, next: number, program: Instruction[]): number {
  if (pattern.kind === 'digits') return program.push({ digits: pattern.digits, next }) - 1;
  if (pattern.kind === 'sequence') {
    return pattern.parts.reduceRight((behind, part) => compile(part, behind, program), next);
  }
  if (pattern.kind === 'alternatives') {
    return program.push({ oneOf: pattern.parts.map((part) => compile(part, next, program)) }) - 1;
  }
  let begin = next;
  for (let time = pattern.max; time > 0; time--) {
    const once = compile(pattern.part, begin, program);
    begin = time > pattern.min ? program.push({ oneOf: [once, next] }) - 1 : once;
  }
  return begin;
}

/** In the notation of regular expressions. */
function parsePattern(text: string): Pattern {
  const parser = new PatternParser(text);
  const pattern = parser.alternatives();
  parser.end();
  return pattern;
}

const TOKENS = /\\d|\d|\[(?:\d(?:-\d)?)+\]|\(\?:|[()|?]|\{\d+(?:,\d+)?\}/g;

class PatternParser {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    const tokens = text.match(TOKENS) ?? [];
    if (tokens.join('') !== text) throw this.#refuse();
    this.#tokens = tokens;
  }

  alternatives(): Pattern {
    const parts = [this.#sequence()];
    while (this.#takeIf('|')) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : { kind: 'alternatives', parts };
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#refuse();
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    for (
      let token = this.#peek();
      token !== undefined && token !== '|' && token !== ')';
      token = this.#peek()
    ) {
      parts.push(this.#repeated());
    }
    return { kind: 'sequence', parts };
  }

  #repeated(): Pattern {
    const part = this.#single();
    const token = this.#peek();
    if (token === '?') {
      this.#at++;
      return { kind: 'repeated', part, min: 0, max: 1 };
    }
    if (!token?.startsWith('{')) return part;
    this.#at++;
    const [min, max] = token.slice(1, -1).split(',').map(Number);
    return { kind: 'repeated', part, min: min!, max: max ?? min! };
  }

  #single(): Pattern {
    const token = this.#tokens[this.#at++]!;
    if (token === '(?:' || token === '(') {
      const inner = this.alternatives();
      if (!this.#takeIf(')')) throw this.#refuse();
      return inner;
    }
    if (token === '\\d') return { kind: 'digits', digits: ANY };
    if (/^\d$/.test(token)) return { kind: 'digits', digits: 1 << Number(token) };
    if (token.startsWith('[')) return { kind: 'digits', digits: readSet(token.slice(1, -1)) };
    throw this.#refuse();
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #takeIf(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at++;
    return true;
  }

  #refuse(): SyntaxError {
    return new SyntaxError(`a pattern that is not one of digits: ${this.#text}`);
  }
}

/** `2-57`: 2, 3, 4, 5 and 7. */
function readSet(text: string): Digits {
  let digits = 0;
  for (const range of text.match(/\d(?:-\d)?/g)!) {
    for (let digit = Number(range[0]); digit <= Number(range.at(-1)); digit++) digits |= 1 << digit;
  }
  return digits;
}
