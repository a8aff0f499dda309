import { randomBytes } from 'node:crypto';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  specifiedRules,
  type ValidationRule,
  ValuesOfCorrectTypeRule,
  validate,
} from 'graphql';
import { type ErrorCode, errorCodes, errorTraits, GatewayError, RequestCancelledError } from '../errors.ts';
import { type ErrorExtensions, extensionsOf, type HttpFacts } from '../http/errors.ts';

/** Told of each defect once, with the reference that the caller sees. */
export type ReportDefect = (error: unknown, reference: string) => void;

/** Turns whatever was thrown into the error a client may see. Never throws. */
export type ErrorMask = (error: unknown) => GraphQLError;

/** The errors of a request that is not executed: of its document, its variables, or the way it was sent. */
export class RequestErrors extends Error {
  override readonly name = 'RequestErrors';
  readonly errors: readonly GraphQLError[];
  constructor(errors: readonly GraphQLError[]) {
    super(errors[0]?.message);
    this.errors = errors;
  }
}

/** Names that GraphQL Yoga and graphql-js use, and the one of our closed list that says the same. */
const foreignCodes: Readonly<Record<string, ErrorCode>> = {
  REQUEST_ENTITY_TOO_LARGE: 'QUERY_TOO_LARGE',
  OPERATION_RESOLUTION_FAILURE: 'BAD_REQUEST',
  BAD_USER_INPUT: 'INVALID_ARGUMENT',
};

/** A defect that is thrown for every row of a list is reported once, not a hundred thousand times. */
const SAME_DEFECT_MILLIS = 1000;
const MAX_DEFECTS = 1000;
const MAX_SIGNATURE_LENGTH = 4000;

/**
 * An error we can explain keeps its message and gets `code` and `retryable`; any other becomes INTERNAL with a
 * reference, and is reported with it.
 */
export function createErrorMask(report: ReportDefect): ErrorMask {
  const referenceOf = createReferences(report);

  return (error) => {
    const explained = findExplained(error);
    if (explained) return show(error, explained.message, extensionsOf(explained), explained);
    if (error instanceof GraphQLError && completeKnown(error)) return error;
    const cause = causeOf(error);
    const reference = referenceOf(cause);
    return show(error, `Something went wrong inside the gateway. Its operator can look up "${reference}".`, {
      code: 'INTERNAL',
      retryable: false,
      reference,
      http: { status: 500 },
    });
  };
}

/** The errors of a failure, as a client may see them. */
export function showFailure(failure: unknown, mask: ErrorMask): GraphQLError[] {
  // Yoga says nothing at all of a request that was given up.
  const errors = failure instanceof RequestErrors ? failure.errors : [failure];
  return errors.length > 0 ? errors.map(mask) : [mask(new RequestCancelledError())];
}

function createReferences(report: ReportDefect): (cause: unknown) => string {
  const recent = new Map<string, string>();
  let since = 0;

  return (cause) => {
    if (Date.now() - since > SAME_DEFECT_MILLIS || recent.size >= MAX_DEFECTS) {
      recent.clear();
      since = Date.now();
    }
    const signature = (cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)).slice(
      0,
      MAX_SIGNATURE_LENGTH,
    );
    const known = recent.get(signature);
    if (known !== undefined) return known;
    const reference = randomBytes(5).toString('hex');
    recent.set(signature, reference);
    report(cause, reference);
    return reference;
  };
}

/** A field's error has no HTTP status of its own: the rest of the response may be there. */
function show(
  shown: unknown,
  message: string,
  extensions: ErrorExtensions,
  originalError?: Error,
): GraphQLError {
  if (!(shown instanceof GraphQLError)) return new GraphQLError(message, { originalError, extensions });
  const { nodes, source, positions, path } = shown;
  const { http, ...ofField } = extensions;
  const shownExtensions = path ? ofField : extensions;
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    originalError,
    extensions: shownExtensions,
  });
}

/** The GatewayError at the bottom; a request that was given up counts as one. */
function findExplained(error: unknown): GatewayError | undefined {
  const cause = causeOf(error);
  if (cause instanceof GatewayError) return cause;
  const isAbort = cause instanceof DOMException && ['AbortError', 'TimeoutError'].includes(cause.name);
  return isAbort ? new RequestCancelledError() : undefined;
}

function causeOf(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? causeOf(error.originalError) : error;
}

/**
 * Completes an error that GraphQL itself raised about the request; false when it is a defect. It is not made anew: an
 * error looks up the places it is about in the text, which of a large document takes longer than to validate it.
 */
function completeKnown(error: GraphQLError): boolean {
  const given = error.extensions as Partial<ErrorExtensions>;
  const code = codeOf(error, given.code);
  if (code === undefined) return false;
  const { retryable = false, http } = given;
  const status = http?.status ?? 400;
  // A well-formed request that means nothing is 200 for application/json; a malformed one never is.
  const spec = status === 400 && code !== 'BAD_REQUEST';
  Object.assign(given, { code, retryable });
  if (error.path) delete given.http;
  else given.http = { ...http, status, spec };
  return true;
}

function codeOf(error: GraphQLError, code: string | undefined): ErrorCode | undefined {
  if (code !== undefined && Object.hasOwn(errorCodes, code)) return code as ErrorCode;
  if (code !== undefined && foreignCodes[code]) return foreignCodes[code];
  if (!(causeOf(error) instanceof GraphQLError)) return undefined;
  // Raised about a variable or an argument, not about a field's value: the caller's doing.
  const isAboutInput = error.nodes?.some((node) => node.kind !== Kind.FIELD) ?? false;
  return isAboutInput ? 'INVALID_ARGUMENT' : undefined;
}

/** The error, with a code that the mask keeps. */
export function withCode(error: GraphQLError, code: ErrorCode): GraphQLError {
  error.extensions.code = code;
  return error;
}

/**
 * Validates a document; each error has its code. An argument that does not fit its type has the same code inline as in a
 * variable. Which errors are of that kind only graphql's own rule knows: what a scalar throws carries no sign of it.
 */
export function validateDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  maxErrors: number,
): readonly GraphQLError[] {
  const aboutValues = new Set<GraphQLError>();
  const rules = specifiedRules.map((rule) =>
    rule === ValuesOfCorrectTypeRule ? noting(aboutValues, rule) : rule,
  );
  return validate(schema, document, rules, { maxErrors }).map((error) =>
    withCode(error, aboutValues.has(error) ? 'INVALID_ARGUMENT' : 'GRAPHQL_VALIDATION_FAILED'),
  );
}

/** The rule, with every error it reports noted. */
function noting(errors: Set<GraphQLError>, rule: ValidationRule): ValidationRule {
  return (context) => {
    const reportError = (error: GraphQLError) => {
      errors.add(error);
      context.reportError(error);
    };
    return rule(Object.create(context, { reportError: { value: reportError } }));
  };
}

/** When nothing but errors came out of a running query, their status is the status of the response. */
export function withHttpStatus(result: ExecutionResult): ExecutionResult {
  const { errors = [], data } = result;
  if (!('data' in result) || hasValue(data)) return result;
  const worst = worstOf(errors.map((error) => httpOf(error) ?? { status: 200 }));
  if (!worst || worst.status === 200) return result;
  return { ...result, extensions: { ...result.extensions, http: worst } };
}

/** The same for a client that wanted a file: HTTP alone says whether it has one, so no failure may be 200. */
export function withStatusOfFile(result: ExecutionResult): ExecutionResult {
  const facts = (result.errors ?? []).map((error) => {
    const { code = 'INTERNAL' } = error.extensions as Partial<ErrorExtensions>;
    return httpOf(error) ?? { status: errorTraits(code).status };
  });
  return { ...result, extensions: { ...result.extensions, http: worstOf(facts) } };
}

function worstOf(facts: HttpFacts[]): HttpFacts | undefined {
  return facts.sort((one, other) => other.status - one.status)[0];
}

function hasValue(data: unknown): boolean {
  return Object.values(data ?? {}).some((value) => value !== null);
}

/** What HTTP makes of an error of a field, or of the request; undefined where GraphQL answers 200. */
function httpOf(error: GraphQLError): HttpFacts | undefined {
  const cause = causeOf(error);
  if (cause instanceof GatewayError) return extensionsOf(cause).http;
  const { http, code } = error.extensions as Partial<ErrorExtensions>;
  return http ?? (code === 'INTERNAL' ? { status: 500 } : undefined);
}

/** The error as a response has it: what is meant for HTTP is not part of it. */
export function shown(error: GraphQLError): object {
  const { http: _, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}
