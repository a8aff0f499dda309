import {
  GatewayError,
  OverloadedError,
  QueryTimeoutError,
  ReplicaConflictError,
  ReplicaFullError,
  ReplicaLockedError,
  ReplicaLostError,
  RequestCancelledError,
  TableChangedError,
} from '../errors.ts';
import { RowShapeError } from './wire/data-row.ts';

interface KindTraits {
  /** What the failure says of the server it came from. */
  readonly meaning: string;
  /** Whether the connection, and perhaps the server, is lost. */
  readonly isLoss: boolean;
  /** What the caller is told; without it the error is masked. */
  readonly explain?: (error: unknown) => GatewayError;
}

const lost = { isLoss: true, explain: () => new ReplicaLostError() };

/** Every failure of a statement or a connection is of one of these kinds. */
export const failureKinds = {
  conflict: {
    meaning: 'Is well: recovery needed what the statement held.',
    isLoss: false,
    explain: () => new ReplicaConflictError(),
  },
  gone: { meaning: 'Stopped, crashed, was promoted, or cut the connection.', ...lost },
  starting: { meaning: 'Is starting or shutting down.', ...lost },
  unreachable: { meaning: 'Cannot be connected to.', ...lost },
  hanging: { meaning: 'Is frozen, or was cut off silently: our own time limit ended the wait.', ...lost },
  overloaded: {
    meaning: 'Is well, and has no connection, memory or disk left, or our own pool no free connection.',
    isLoss: false,
    // Another standby may have room; when our pool is full, the others are commonly as busy.
    explain: (error) => (hasCode(error) ? new ReplicaFullError() : new OverloadedError()),
  },
  timeout: {
    meaning: 'Is well: the statement ran into its time limit, or was cancelled.',
    isLoss: false,
    explain: () => new QueryTimeoutError(),
  },
  lockTimeout: {
    meaning:
      'Is well: replay holds a lock that the statement wants. Another may not have it yet, or no longer.',
    isLoss: false,
    explain: () => new ReplicaLockedError(),
  },
  refused: { meaning: 'Is set up otherwise than we expect: login, database or rights.', isLoss: true },
  pooled: { meaning: 'Is behind a pooler that changes sessions with each transaction.', isLoss: true },
  several: { meaning: 'Is one of several that the address leads to, now one and now another.', isLoss: true },
  readOnly: { meaning: 'Is well: a statement of ours tried to write, which is a defect.', isLoss: false },
  other: { meaning: 'Has nothing to do with the failure.', isLoss: false },
} as const satisfies Record<string, KindTraits>;

export type FailureKind = keyof typeof failureKinds;

/**
 * The codes we know: SQLSTATEs, the operating system's, and our own. On a standby 40001 can only mean a recovery
 * conflict: nothing there writes.
 */
const kindsByCode: readonly (readonly [RegExp, FailureKind])[] = [
  [/^(40001|40P01|REPLICA_CONFLICT)$/, 'conflict'],
  [/^57P03$/, 'starting'],
  [/^(57P0[1245]|08\w{3}|ECONNRESET|ECONNABORTED|EPIPE|REPLICA_LOST)$/, 'gone'],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN|ENOENT|EACCES)$/,
    'unreachable',
  ],
  [/^ETIMEDOUT$/, 'hanging'],
  [/^(53\w{3}|OVERLOADED)$/, 'overloaded'],
  [/^(57014|QUERY_TIMEOUT)$/, 'timeout'],
  [/^55P03$/, 'lockTimeout'],
  [/^(28\w{3}|3D000|42501)$/, 'refused'],
  [/^TRANSACTION_POOLING$/, 'pooled'],
  [/^SEVERAL_SERVERS$/, 'several'],
  [/^25006$/, 'readOnly'],
];

/** What node-postgres says where it has no code. The order matters: a timed-out connect also "terminated". */
const kindsByMessage: readonly (readonly [RegExp, FailureKind])[] = [
  [/connection timeout|timeout expired|read timeout/i, 'hanging'],
  [/timeout exceeded when trying to connect/i, 'overloaded'],
  [
    /connection terminated|connection error|not queryable|after calling end on the pool|client was closed/i,
    'gone',
  ],
];

/** Looks at the code first, then at the driver's message, then at the cause. */
export function classify(error: unknown): FailureKind {
  if (typeof error !== 'object' || error === null) return 'other';
  const { code, message, cause, errors } = error as Record<'code' | 'message' | 'cause' | 'errors', unknown>;
  // A host name with several addresses fails with all their errors at once.
  if (Array.isArray(errors) && errors.length > 0 && typeof code !== 'string') return classify(errors[0]);
  if (typeof code === 'string') {
    const found = kindsByCode.find(([pattern]) => pattern.test(code));
    if (found) return found[1];
  } else if (typeof message === 'string') {
    const found = kindsByMessage.find(([pattern]) => pattern.test(message));
    if (found) return found[1];
  }
  return cause === undefined ? 'other' : classify(cause);
}

/** Whether the connection, and perhaps the standby, is lost. */
export function isLoss(kind: FailureKind): boolean {
  return failureKinds[kind].isLoss;
}

/** Turns what PostgreSQL or the driver threw into a failure we explain; any other is returned as it is, to be masked. */
export function explain(error: unknown, signal?: AbortSignal): unknown {
  if (error instanceof GatewayError) return error;
  if (signal?.aborted)
    return signal.reason instanceof GatewayError ? signal.reason : new RequestCancelledError();
  if (isTableChange(error)) return new TableChangedError(error);
  const traits: KindTraits = failureKinds[classify(error)];
  return traits.explain?.(error) ?? error;
}

/**
 * SQLSTATEs of a statement that was made for the table as it was: a column, table, schema or operator that is not there,
 * a right that was taken, a type that is another one, a plan whose result would be another one, a value beyond a type.
 */
const TABLE_CHANGES = /^(42703|42P01|3F000|42501|42704|42883|42804|42846|0A000|22003|22P03)$/;
/** What PostgreSQL says where the policies of 0009_row_security, or their roles, came or went since the last look. */
const SCOPE_POLICIES_CHANGED = /"gateway_(all|customers)"|malformed array literal: ""/;
/** Of a table that was dropped while the statement was being planned. */
const RELATION_GONE = /could not open relation|cache lookup failed/;

function isTableChange(error: unknown): boolean {
  if (error instanceof RowShapeError) return true;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string') return false;
  if (/^(22023|22P02)$/.test(code)) return SCOPE_POLICIES_CHANGED.test(String(message));
  return TABLE_CHANGES.test(code) || (code === 'XX000' && RELATION_GONE.test(String(message)));
}

function hasCode(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error;
}
