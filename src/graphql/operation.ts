import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import type { OperationDescription } from '../http/request-facts.ts';
import type { ConnectionPlan } from '../streaming/connection-plan.ts';
import { type Fragments, fragmentsOf, type SelectedField } from '../streaming/selection.ts';
import type { Cost } from './cost.ts';

/** What an operation selects at its root: the same for every request whose variables leave out the same fields. */
export interface Shape {
  readonly roots: readonly (ConnectionPlan | SelectedField)[];
  /** The operation without the lists that stream, for the ordinary executor; undefined when nothing is left over. */
  readonly rest: DocumentNode | undefined;
}

export interface OperationOptions {
  readonly document: DocumentNode;
  /** The document without `@defer` and `@stream`: one for all of its operations. The document itself where it has none. */
  readonly whole: DocumentNode;
  readonly definition: OperationDefinitionNode;
  readonly fragments: Fragments;
  readonly description: OperationDescription;
  /** Told what the operation has come to hold since it was made: about so many bytes more. */
  onGrow(bytes: number): void;
  /** Of a shape, about. */
  readonly bytesPerShape: number;
}

/** An operation of a document that was parsed, checked and validated, and what is the same whenever it is executed. */
export class Operation {
  readonly document: DocumentNode;
  readonly definition: OperationDefinitionNode;
  readonly fragments: Fragments;
  readonly description: OperationDescription;
  /** Whether it uses `@defer` or `@stream`. */
  readonly isIncremental: boolean;
  /** The same operation without these directives. */
  readonly whole: Operation;
  /** Points by the variables they depend on. */
  readonly costs: Kept<Cost>;
  /** By the variables they depend on; undefined: the ordinary executor must answer it all. */
  readonly shapes: Kept<Shape | undefined>;

  readonly #onGrow: OperationOptions['onGrow'];
  #printed: string | undefined;

  constructor(options: OperationOptions) {
    const { document, definition, fragments, description, onGrow, bytesPerShape } = options;
    this.document = document;
    this.definition = definition;
    this.fragments = fragments;
    this.description = description;
    this.isIncremental = options.whole !== document;
    this.whole = this.isIncremental ? new Operation(withoutParts(options)) : this;
    this.#onGrow = onGrow;
    this.costs = new Kept((key) => onGrow(2 * key.length + BYTES_PER_ENTRY));
    this.shapes = new Kept((key) => onGrow(2 * key.length + BYTES_PER_ENTRY + bytesPerShape));
  }

  /** Its answer as JSON, where that is the same for everybody and was kept. */
  get printed(): string | undefined {
    return this.#printed;
  }

  keepPrinted(text: string, bytes: number): void {
    if (this.#printed !== undefined) return;
    this.#printed = text;
    this.#onGrow(bytes);
  }
}

function withoutParts(options: OperationOptions): OperationOptions {
  const document = options.whole;
  const place = options.document.definitions.indexOf(options.definition);
  const definition = document.definitions[place] as OperationDefinitionNode;
  return { ...options, document, definition, fragments: fragmentsOf(document) };
}

const BYTES_PER_ENTRY = 100;
/** Values of one operation: a client needs many variables to have as many. */
const MAX_KEPT = 64;
/** What depends on a longer text of variables is computed again each time. */
const MAX_KEY_LENGTH = 200;

/** Values by short texts. The oldest makes room, so that a client cannot fill it with texts that are never sent again. */
class Kept<Value> {
  readonly #values = new Map<string, Value>();
  readonly #onKeep: (key: string) => void;

  constructor(onKeep: (key: string) => void) {
    this.#onKeep = onKeep;
  }

  get(key: string, compute: () => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined || this.#values.has(key)) return known as Value;
    const value = compute();
    if (key.length > MAX_KEY_LENGTH) return value;
    if (this.#values.size < MAX_KEPT) this.#onKeep(key);
    else this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(key, value);
    return value;
  }
}
