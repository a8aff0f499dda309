/** Where standbys are named: by DNS, by Patroni, by Kubernetes. */
export interface StandbySource {
  readonly kind: SourceKind;
  /** For people: where it is asked, without the login. */
  readonly place: string;
  /**
   * The connection URLs of the servers that it names now, at least one. Rejects with SourceError when it cannot tell:
   * what it named before then stays.
   */
  read(signal: AbortSignal): Promise<readonly string[]>;
}

/** `list`: the setting itself; `file`: the file in its place. */
export type SourceKind = 'list' | 'file' | 'dns' | 'patroni' | 'kubernetes';

/** Which of the servers of a cluster are wanted from a source that tells them apart. */
export type WantedRole = 'standby' | 'primary';

/** A source cannot tell, and what can be done about it. The message is for operators: it holds no login. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** What is known of a source, for replicationStatus, metrics and the log. */
export interface SourceReport {
  readonly kind: SourceKind;
  readonly place: string;
  /** How many servers it named when it was last read well. */
  readonly servers: number;
  /** Milliseconds since 1970; null before it was read well for the first time. */
  readonly readAt: number | null;
  /** Why the last reading failed, or what of it cannot be used; null when all is well. */
  readonly problem: string | null;
}

/** The errno, the SQLSTATE or the name of a failure: never its message, which may hold what was sent. */
export function codeOfError(error: unknown): string {
  const { code, cause, name } = error as { code?: unknown; cause?: unknown; name?: string };
  if (typeof code === 'string') return code;
  return cause ? codeOfError(cause) : (name ?? 'unknown error');
}
