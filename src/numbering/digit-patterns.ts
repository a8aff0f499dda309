/** Digits that something is said of. */
export interface DigitPattern {
  readonly pattern: string;
  /** Whether more digits may follow what matches. */
  readonly isBeginning?: boolean;
}

/** What the patterns say of a number of so many digits. `matched` are indices of patterns. */
export type DeriveAnswer<Answer> = (matched: ReadonlySet<number>, length: number) => Answer;

/** How much time went into working out what is kept from then on. Numbers that nobody has met yet may need a lot of it. */
export class Learning {
  millis = 0;
  #isMeasuring = false;

  measure<Result>(learn: () => Result): Result {
    if (this.#isMeasuring) return learn();
    const before = performance.now();
    this.#isMeasuring = true;
    try {
      return learn();
    } finally {
      this.#isMeasuring = false;
      this.millis += performance.now() - before;
    }
  }
}

/** Digits of which answers are kept. */
const MAX_LENGTH = 19;
const INITIAL_STATES = 64;
const UNKNOWN = -1;
const ZERO = 0x30;

/**
 * Patterns of digits, all tried at once: one walk over the digits of a number finds every pattern that it matches, where
 * regular expressions would each begin anew. The patterns are those of libphonenumber: digits, `\d`, `[2-57]`, groups,
 * alternatives, and repetitions that end. Where a digit leads is worked out when it is first met, and kept: a set of
 * patterns has so many states and no more, whatever numbers come. All of libphonenumber's together have some 22,000.
 *
 * Steps are in one table of numbers rather than in objects: while a long list goes through the processor's caches, a step
 * that is not in them is most of what a number costs.
 */
export class DigitPatterns<Answer> {
  /** Digits of the number matched last that decide what is said of it: of those behind them only the count matters. */
  decidedBy = 0;
  readonly #learning: Learning;
  readonly #program: Instruction[] = [];
  readonly #derive: DeriveAnswer<Answer>;
  /** By state: the places in the program where its digits have led. The same places are the same state. */
  readonly #places: (readonly number[])[] = [];
  readonly #states = new Map<string, number>();
  /** By state and digit: twice the next state, and one more when it is settled. */
  #next = new Int32Array(10 * INITIAL_STATES).fill(UNKNOWN);
  /** By settled state and how many digits are left: the state behind them. */
  #behind = new Int32Array((MAX_LENGTH + 1) * INITIAL_STATES).fill(UNKNOWN);
  /** By state and length of the number: which of the answers it is. */
  #answers = new Int32Array((MAX_LENGTH + 1) * INITIAL_STATES).fill(UNKNOWN);
  readonly #distinctAnswers: Answer[] = [];

  /** Throws a SyntaxError for a pattern of another form. */
  constructor(
    patterns: readonly DigitPattern[],
    derive: DeriveAnswer<Answer>,
    learning: Learning = new Learning(),
  ) {
    this.#derive = derive;
    this.#learning = learning;
    const program = this.#program;
    const starts = patterns.map(({ pattern, isBeginning = false }, index) => {
      const match = program.push({ match: index }) - 1;
      const end = isBeginning ? program.push({ oneOf: [match, program.length + 1] }) - 1 : match;
      if (isBeginning) program.push({ digits: ANY, next: end });
      return compile(parsePattern(pattern), end, program);
    });
    this.#stateAt(starts);
  }

  /** Of the digits that lie from `from` to `to`. */
  match(digits: Uint8Array, from: number, to: number): Answer {
    let next = this.#next;
    let state = 0;
    let decidedBy = to - from;
    for (let at = from; at < to; at++) {
      const digit = digits[at]! - ZERO;
      let step = next[10 * state + digit]!;
      if (step === UNKNOWN) {
        step = this.#step(state, digit);
        next = this.#next;
      }
      state = step >> 1;
      if ((step & 1) === 0) continue;
      decidedBy = at - from + 1;
      state = this.#stateBehind(state, to - at - 1);
      break;
    }
    this.decidedBy = decidedBy;
    const length = to - from;
    if (length > MAX_LENGTH) return this.#answerOf(state, length);
    const known = this.#answers[(MAX_LENGTH + 1) * state + length]!;
    return known === UNKNOWN ? this.#learnAnswer(state, length) : this.#distinctAnswers[known]!;
  }

  /** Of a settled state. */
  #stateBehind(settled: number, left: number): number {
    if (left > MAX_LENGTH) return this.#walk(settled, left);
    const slot = (MAX_LENGTH + 1) * settled + left;
    const known = this.#behind[slot]!;
    if (known !== UNKNOWN) return known;
    const state = this.#walk(settled, left);
    this.#behind[slot] = state;
    return state;
  }

  #walk(settled: number, left: number): number {
    let state = settled;
    for (let digit = 0; digit < left; digit++) state = this.#stateAfter(state, 0);
    return state;
  }

  /** Learns the step. */
  #step(state: number, digit: number): number {
    return this.#learning.measure(() => this.#learnStep(state, digit));
  }

  #learnStep(state: number, digit: number): number {
    const after = this.#stateAfter(state, digit);
    const step = 2 * after + (this.#isSettled(after) ? 1 : 0);
    this.#next[10 * state + digit] = step;
    return step;
  }

  /** Whether it no longer matters which digits follow, only how many: most of a number is such a rest. */
  #isSettled(state: number): boolean {
    for (let at = state, before = UNKNOWN; at !== before; ) {
      const takesAny = this.#places[at]!.every((place) => {
        const instruction = this.#program[place]!;
        return !('digits' in instruction) || instruction.digits === ANY;
      });
      if (!takesAny) return false;
      before = at;
      at = this.#stateAfter(at, 0);
    }
    return true;
  }

  #stateAfter(state: number, digit: number): number {
    const reached: number[] = [];
    for (const place of this.#places[state]!) {
      const instruction = this.#program[place]!;
      if ('digits' in instruction && instruction.digits & (1 << digit)) reached.push(instruction.next);
    }
    return this.#stateAt(reached);
  }

  #learnAnswer(state: number, length: number): Answer {
    const answer = this.#answerOf(state, length);
    const known = this.#distinctAnswers.indexOf(answer);
    const index = known < 0 ? this.#distinctAnswers.push(answer) - 1 : known;
    this.#answers[(MAX_LENGTH + 1) * state + length] = index;
    return answer;
  }

  #answerOf(state: number, length: number): Answer {
    const matched = new Set<number>();
    for (const place of this.#places[state]!) {
      const instruction = this.#program[place]!;
      if ('match' in instruction) matched.add(instruction.match);
    }
    return this.#derive(matched, length);
  }

  /** The state in which digits are that have led to these places, and to all that are reached from them without a digit. */
  #stateAt(reached: readonly number[]): number {
    const places = new Set<number>();
    const left = [...reached];
    for (let place = left.pop(); place !== undefined; place = left.pop()) {
      const instruction = this.#program[place]!;
      if ('oneOf' in instruction) left.push(...instruction.oneOf);
      else places.add(place);
    }
    const sorted = [...places].sort((one, other) => one - other);
    const key = sorted.join();
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = this.#places.push(sorted) - 1;
    this.#states.set(key, state);
    if (10 * state >= this.#next.length) {
      this.#next = extend(this.#next);
      this.#behind = extend(this.#behind);
      this.#answers = extend(this.#answers);
    }
    return state;
  }
}

function extend(table: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * table.length).fill(UNKNOWN);
  larger.set(table);
  return larger;
}

/** A set of digits, one bit each. */
type Digits = number;
const ANY: Digits = 0b11_1111_1111;

/** Where to go from here: with one of these digits, or to several places at once; or a pattern that has matched. */
type Instruction =
  | { readonly digits: Digits; readonly next: number }
  | { readonly oneOf: readonly number[] }
  | { readonly match: number };

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
