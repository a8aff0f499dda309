import { randomBytes } from 'node:crypto';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  ValuesOfCorrectTypeRule,
  validate,
} from 'graphql';
import { type Plugin, processRegularResult } from 'graphql-yoga';
import {
  BadRequestError,
  type ErrorCode,
  errorCodes,
  GatewayError,
  NotAcceptableError,
  RequestCancelledError,
} from '../errors.ts';
import { type ErrorExtensions, extensionsOf, HttpError, type HttpFacts } from '../http/errors.ts';

/** Told of each defect once, with the reference that the caller sees. */
export type ReportDefect = (error: unknown, reference: string) => void;

/** Names that GraphQL Yoga and its executor use, and the one of our closed list that says the same. */
const foreignCodes: Readonly<Record<string, ErrorCode>> = {
  REQUEST_ENTITY_TOO_LARGE: 'QUERY_TOO_LARGE',
  OPERATION_RESOLUTION_FAILURE: 'BAD_REQUEST',
  BAD_USER_INPUT: 'INVALID_ARGUMENT',
};

/** A defect that is thrown for every row of a list is reported once, not a hundred thousand times. */
const SAME_DEFECT_MILLIS = 1000;

/**
 * Yoga's `maskError`: an error we can explain keeps its message and gets `code` and `retryable`; any other becomes
 * INTERNAL with a reference, and is reported with it. Never throws.
 */
export function createErrorMask(report: ReportDefect): (error: unknown) => GraphQLError {
  const referenceOf = createReferences(report);

  return (error) => {
    const explained = findExplained(error);
    if (explained) return show(error, explained.message, extensionsOf(explained), explained);
    const known = error instanceof GraphQLError ? knownExtensions(error) : undefined;
    if (known) return show(error, (error as GraphQLError).message, known);
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

/**
 * Gives a code to what fails outside resolvers (HTTP, parsing, validation), and the HTTP status to whole answers:
 * a dashboard must not show "no data" for "no standby".
 */
export function useErrorCodes(): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      if (request.method !== 'GET' && request.method !== 'POST') {
        throw new HttpError('GraphQL is asked with GET or POST.', 405, { headers: { allow: 'GET, POST' } });
      }
      if (!requestParser) {
        throw new HttpError('Send the query as JSON, with "Content-Type: application/json".', 415);
      }
      setRequestParser(async (parsed) => {
        try {
          return await requestParser(parsed);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw new BadRequestError('"variables" and "extensions" of a URL or a form are JSON texts.');
        }
      });
    },
    onValidate({ params }) {
      return ({ valid, result }) => {
        if (!valid) codeValidationErrors(params.schema, params.documentAST, result as GraphQLError[]);
      };
    },
    onResultProcess({ result, setResult, resultProcessor, setResultProcessor }) {
      if (!resultProcessor) {
        const error = new NotAcceptableError(
          'Accept application/graphql-response+json or application/json; lists also as text/csv or application/x-ndjson.',
        );
        setResult({ errors: [show(error, error.message, extensionsOf(error), error)] });
        setResultProcessor(processRegularResult as never, 'application/json');
      } else if (!Array.isArray(result) && 'errors' in result && result.errors) {
        setResult(withHttpStatus(result as ExecutionResult));
      }
    },
  };
}

function createReferences(report: ReportDefect): (cause: unknown) => string {
  const recent = new Map<string, string>();
  let since = 0;

  return (cause) => {
    if (Date.now() - since > SAME_DEFECT_MILLIS) {
      recent.clear();
      since = Date.now();
    }
    const signature = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    const known = recent.get(signature);
    if (known !== undefined) return known;
    const reference = randomBytes(5).toString('hex');
    recent.set(signature, reference);
    report(cause, reference);
    return reference;
  };
}

/** A field's error has no HTTP status of its own: the rest of the answer may be there. */
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

/** Of an error that GraphQL itself raised about the request; undefined when it is a defect. */
function knownExtensions(error: GraphQLError): ErrorExtensions | undefined {
  const given = error.extensions as Partial<ErrorExtensions>;
  const code = codeOf(error, given.code);
  if (code === undefined) return undefined;
  const { retryable = false, http } = given;
  const status = http?.status ?? 400;
  // A well-formed request that means nothing is 200 for application/json; a malformed one never is.
  return { code, retryable, http: { ...http, status, spec: status === 400 && code !== 'BAD_REQUEST' } };
}

function codeOf(error: GraphQLError, code: string | undefined): ErrorCode | undefined {
  if (code !== undefined && Object.hasOwn(errorCodes, code)) return code as ErrorCode;
  if (code !== undefined && foreignCodes[code]) return foreignCodes[code];
  if (!(causeOf(error) instanceof GraphQLError)) return undefined;
  // Raised about a variable or an argument, not about a field's value: the caller's doing.
  const isAboutInput = error.nodes?.some((node) => node.kind !== Kind.FIELD) ?? false;
  return isAboutInput ? 'INVALID_ARGUMENT' : undefined;
}

/**
 * An argument that does not fit its type has the same code inline as in a variable. Which errors are of that kind
 * is asked of graphql's own rule: what a scalar throws carries no sign of it.
 */
function codeValidationErrors(schema: GraphQLSchema, document: DocumentNode, errors: GraphQLError[]): void {
  const aboutValues = new Set(validate(schema, document, [ValuesOfCorrectTypeRule]).map(textOf));
  for (const error of errors) {
    const extensions = error.extensions as Partial<ErrorExtensions>;
    extensions.code ??= aboutValues.has(textOf(error)) ? 'INVALID_ARGUMENT' : 'GRAPHQL_VALIDATION_FAILED';
    extensions.retryable ??= false;
  }
}

function textOf(error: GraphQLError): string {
  return JSON.stringify([error.message, error.locations]);
}

/** When nothing but errors came out of a running query, their status is the status of the answer. */
export function withHttpStatus(result: ExecutionResult): ExecutionResult {
  const { errors = [], data } = result;
  if (errors.length === 0 && !('data' in result)) return { errors: [cancelled()] };
  if (!('data' in result) || hasValue(data)) return result;
  const worst = errors.map(statusOfField).sort((one, other) => other.status - one.status)[0];
  if (!worst || worst.status === 200) return result;
  return { ...result, extensions: { ...result.extensions, http: worst } };
}

function hasValue(data: unknown): boolean {
  return Object.values(data ?? {}).some((value) => value !== null);
}

function statusOfField(error: GraphQLError): HttpFacts {
  const cause = causeOf(error);
  if (cause instanceof GatewayError) return extensionsOf(cause).http ?? { status: 200 };
  return { status: error.extensions.code === 'INTERNAL' ? 500 : 200 };
}

function cancelled(): GraphQLError {
  const error = new RequestCancelledError();
  return show(error, error.message, extensionsOf(error), error);
}
