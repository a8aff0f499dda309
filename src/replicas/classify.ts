import { GatewayError } from '../errors.ts';

/**
 * What an error from a statement or a connection means for the standby it came from.
 *
 * | kind          | seen as                                            | the standby                        |
 * | ------------- | -------------------------------------------------- | ---------------------------------- |
 * | `conflict`    | 40001, 40P01: recovery needed what the query held  | is well; retry, here or elsewhere  |
 * | `gone`        | 57P01, 57P02, 57P04, 57P05, 08xxx, a closed socket | stopped, crashed or was promoted   |
 * | `starting`    | 57P03                                              | is starting or shutting down       |
 * | `unreachable` | ECONNREFUSED, EHOSTUNREACH, ENOTFOUND, …           | cannot be connected to             |
 * | `hanging`     | a connect or read that ran into our own time limit | frozen, or cut off silently        |
 * | `overloaded`  | 53xxx, no free connection in the pool              | is well; try another               |
 * | `timeout`     | 57014: statement_timeout, or a cancellation        | is well                            |
 * | `lockTimeout` | 55P03: replay holds a lock                         | is well; try another               |
 * | `refused`     | 28xxx, 3D000, 42501: login, database or rights     | is set up otherwise than we expect |
 * | `pooled`      | sessions that change with each transaction         | is behind a pooler we cannot use   |
 * | `readOnly`    | 25006: a statement of ours tried to write          | is well; the defect is ours        |
 * | `other`       | everything else                                    | has nothing to do with it          |
 */
export type FailureKind =
  | 'conflict'
  | 'gone'
  | 'starting'
  | 'unreachable'
  | 'hanging'
  | 'overloaded'
  | 'timeout'
  | 'lockTimeout'
  | 'refused'
  | 'pooled'
  | 'readOnly'
  | 'other';

const byCode: readonly (readonly [RegExp, FailureKind])[] = [
  [/^(40001|40P01|REPLICA_CONFLICT)$/, 'conflict'],
  [/^57P03$/, 'starting'],
  [/^(57P0[1245]|08\w{3}|ECONNRESET|ECONNABORTED|EPIPE|REPLICA_LOST)$/, 'gone'],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN|ENOENT|EACCES)$/,
    'unreachable',
  ],
  [/^ETIMEDOUT$/, 'hanging'],
  [/^53\w{3}$/, 'overloaded'],
  [/^(57014|QUERY_TIMEOUT)$/, 'timeout'],
  [/^55P03$/, 'lockTimeout'],
  [/^(28\w{3}|3D000|42501)$/, 'refused'],
  [/^TRANSACTION_POOLING$/, 'pooled'],
  [/^25006$/, 'readOnly'],
];

/** What node-postgres says where it has no code. The order matters: a timed-out connect also "terminated". */
const byMessage: readonly (readonly [RegExp, FailureKind])[] = [
  [/connection timeout|timeout expired|read timeout/i, 'hanging'],
  [/timeout exceeded when trying to connect/i, 'overloaded'],
  [
    /connection terminated|connection error|not queryable|after calling end on the pool|client was closed/i,
    'gone',
  ],
];

/** Looks at the code first (SQLSTATE, errno or ours), then at the driver's message, then at the cause. */
export function classify(error: unknown): FailureKind {
  if (typeof error !== 'object' || error === null) return 'other';
  const { code, message, cause, errors } = error as Record<'code' | 'message' | 'cause' | 'errors', unknown>;
  // A host name with several addresses fails with all their errors at once.
  if (Array.isArray(errors) && errors.length > 0 && typeof code !== 'string') return classify(errors[0]);
  const text = error instanceof GatewayError || typeof code === 'string' ? String(code) : undefined;
  const found = text && byCode.find(([pattern]) => pattern.test(text));
  if (found) return found[1];
  const byText =
    typeof message === 'string' && text === undefined && byMessage.find(([pattern]) => pattern.test(message));
  if (byText) return byText[1];
  return cause === undefined ? 'other' : classify(cause);
}

/** Whether the connection, and perhaps the standby, is lost. */
export function isLoss(kind: FailureKind): boolean {
  return (
    kind === 'gone' ||
    kind === 'starting' ||
    kind === 'unreachable' ||
    kind === 'hanging' ||
    kind === 'refused' ||
    kind === 'pooled'
  );
}
