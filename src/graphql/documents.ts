import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { BadRequestError } from '../errors.ts';
import type { OperationDescription, RequestFacts } from '../http/request-facts.ts';
import { type Fragments, fragmentsOf } from '../streaming/selection.ts';
import { describeOperation, queryFieldsOf } from '../telemetry/operation-names.ts';
import { ByteCache } from './byte-cache.ts';
import { checkDocument, checkText, type DocumentLimits, documentLimits } from './document-limits.ts';
import { RequestErrors, validateDocument, withCode } from './errors.ts';
import { isIncremental, withoutIncremental } from './incremental.ts';
import { Operation } from './operation.ts';

export interface DocumentsOptions {
  readonly schema: GraphQLSchema;
  readonly limits?: DocumentLimits;
  /** Of all documents that are kept, about. */
  readonly maxBytes?: number;
}

/** A document that fits the schema and the limits. Who sent it is not known here: what is kept holds no permission. */
interface KnownDocument {
  readonly document: DocumentNode;
  /** Without `@defer` and `@stream`; the document itself where it has none. */
  readonly whole: DocumentNode;
  readonly tokens: number;
  /** By the name that requests give; null for none. */
  readonly operations: Map<string | null, Operation>;
}

/** Of validation: each is shown with every place it is about, and to find a place the text is read from its beginning. */
const MAX_ERRORS = 20;

const MAX_BYTES = 32 * 1024 * 1024;
/** Of one document. A client that sends larger ones has each of them parsed each time. */
const MAX_DOCUMENT_BYTES = 1024 * 1024;
/** Measured: 150 to 380 bytes of tree and locations for a token, and a text of one or two bytes a character. */
const BYTES_PER_TOKEN = 400;
const BYTES_PER_CHARACTER = 2;
/** Fields of a plan, with the encoder of their columns. */
const SHAPE_BYTES_PER_TOKEN = 200;
const BYTES_PER_OPERATION = 2000;

/**
 * Parses, checks and validates documents, once each: a frontend sends the same few over and over. Nothing is kept of a
 * document that is refused, invalid or very large.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #limits: DocumentLimits;
  readonly #queryFields: ReadonlySet<string>;
  readonly #known: ByteCache<KnownDocument>;

  constructor({ schema, limits = documentLimits, maxBytes = MAX_BYTES }: DocumentsOptions) {
    this.#schema = schema;
    this.#limits = limits;
    this.#queryFields = new Set(queryFieldsOf(schema));
    this.#known = new ByteCache(maxBytes);
  }

  /** What is kept. */
  get kept(): { readonly documents: number; readonly bytes: number } {
    return { documents: this.#known.size, bytes: this.#known.bytes };
  }

  /**
   * The operation that a request wants executed; `facts` learn its name even when it is refused. Throws RequestErrors,
   * LimitExceededError, or BadRequestError when the document has no such operation.
   */
  find(text: string, operationName: string | null, facts: RequestFacts): Operation {
    const known = this.#known.get(text) ?? this.#learn(text, operationName, facts);
    const operation = known.operations.get(operationName) ?? this.#prepare(text, known, operationName);
    facts.operation = operation.description;
    return operation;
  }

  #learn(text: string, operationName: string | null, facts: RequestFacts): KnownDocument {
    const tokens = checkText(text, this.#limits);
    const document = parseDocument(text);
    const definition = getOperationAST(document, operationName);
    if (definition) facts.operation = this.#describe(definition, fragmentsOf(document));
    checkDocument(document, this.#limits);
    const errors = validateDocument(this.#schema, document, MAX_ERRORS);
    if (errors.length > 0) throw new RequestErrors(errors);
    const whole = isIncremental(document) ? withoutIncremental(document) : document;
    const known: KnownDocument = { document, whole, tokens, operations: new Map() };
    const trees = whole === document ? 1 : 2;
    const bytes = BYTES_PER_TOKEN * tokens * trees + BYTES_PER_CHARACTER * text.length;
    if (bytes <= MAX_DOCUMENT_BYTES) this.#known.add(text, known, bytes);
    return known;
  }

  #prepare(
    text: string,
    { document, whole, tokens, operations }: KnownDocument,
    name: string | null,
  ): Operation {
    const definition = getOperationAST(document, name);
    if (!definition) throw new BadRequestError('Could not determine what operation to execute.');
    const fragments = fragmentsOf(document);
    const description = this.#describe(definition, fragments);
    const onGrow = (bytes: number) => this.#known.grow(text, bytes);
    const bytesPerShape = SHAPE_BYTES_PER_TOKEN * tokens;
    const operation = new Operation({
      document,
      whole,
      definition,
      fragments,
      description,
      onGrow,
      bytesPerShape,
    });
    operations.set(name, operation);
    onGrow(BYTES_PER_OPERATION);
    return operation;
  }

  #describe(definition: OperationDefinitionNode, fragments: Fragments): OperationDescription {
    return describeOperation(definition, fragments, this.#queryFields);
  }
}

function parseDocument(text: string): DocumentNode {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    throw new RequestErrors([withCode(error, 'GRAPHQL_PARSE_FAILED')]);
  }
}
