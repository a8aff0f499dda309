import type { Caller } from '../access/caller.ts';
import type { Principal } from '../access/principals.ts';
import { type ErrorCode, type RequestResult, resultOf } from '../errors.ts';
import type { Progress } from '../streaming/body.ts';
import { requestIdOf } from './request-id.ts';

/** What an operation asks for, in words that logs and metrics may hold. */
export interface OperationDescription {
  /** As the client calls it, bounded and without numbers; undefined for an anonymous one. */
  readonly name: string | undefined;
  readonly type: string;
  /** One of the schema's query fields, or a catch-all: never the client's words. */
  readonly field: string;
}

/** What became of a request whose answer may be given again. */
export const reuses = ['not_modified', 'stored', 'collapsed', 'executed'] as const;
export type Reuse = (typeof reuses)[number];

/** What a subscription was told so far, until it ends. */
export interface Telling extends Progress {
  /** Settles when it has ended, whoever ended it. */
  readonly ended: Promise<unknown>;
  /** Of the errors that ended it. */
  readonly codes: ReadonlySet<ErrorCode>;
}

/**
 * What is learnt of one HTTP request while it is answered; the log, the metrics and the traces read it when the last
 * byte is out. There is one per request, and it is passed to each part that adds to it: what a WeakMap holds of a
 * request would outlive it until the next full garbage collection.
 */
export class RequestFacts {
  readonly request: Request;
  /** Who sends it, where that was looked at before the body; otherwise undefined. */
  readonly caller: Caller | undefined;
  /** Of the caller when it sent a sane X-Request-Id, otherwise ours; in the response's header either way. */
  readonly id: string;
  /** Undefined outside GraphQL, and before the document was parsed. */
  operation: OperationDescription | undefined = undefined;
  /** Name of the principal, never its token. */
  principal: string | undefined = undefined;
  /** Who that is; undefined before it is admitted. */
  sender: Principal | undefined = undefined;
  /** Text of the GraphQL document. */
  document: string | undefined = undefined;
  /** Name of the standby that answered. */
  replica: string | undefined = undefined;
  /** Of a request whose answer may be given again: whether it was. Undefined for any other. */
  reuse: Reuse | undefined = undefined;
  /** Of a response that is sent as it is read; it goes on while that is sent. */
  progress: Progress | undefined = undefined;
  /** Of a subscription that has begun. */
  telling: Telling | undefined = undefined;
  /** Rows that statements returned, for a response that is made before it is sent, and its bytes. */
  rowsRead = 0;
  length: number | undefined = undefined;
  /** Of every error in the response, those at the end of a stream included. */
  readonly codes = new Set<ErrorCode>();
  /** What the caller of a masked error was told to quote. */
  reference: string | undefined = undefined;
  /** Settles when a response that is sent as it is read has ended; undefined for any other. */
  finished: Promise<unknown> | undefined = undefined;
  readonly #startedAt = performance.now();

  constructor(request: Request, caller?: Caller) {
    this.request = request;
    this.caller = caller;
    this.id = requestIdOf(request);
  }

  get rows(): number | undefined {
    return this.progress?.rows;
  }

  get bytes(): number | undefined {
    return this.progress?.bytes;
  }

  /** Notes an error as the client is shown it. */
  noteError({ code, reference }: Readonly<Record<string, unknown>>): void {
    if (typeof code === 'string') this.codes.add(code as ErrorCode);
    if (typeof reference === 'string') this.reference = reference;
  }

  /** `status` is that of HTTP; undefined when the caller left before there was one. */
  end(status: number | undefined): EndedRequest {
    return {
      facts: this,
      status,
      result: this.#resultWith(status),
      millis: performance.now() - this.#startedAt,
    };
  }

  /** Of a subscription whose beginning was told as `end`. */
  endTelling(telling: Telling, status: number | undefined): EndedRequest {
    this.progress = telling;
    for (const code of telling.codes) this.codes.add(code);
    return this.end(status);
  }

  #resultWith(status: number | undefined): RequestResult {
    if (this.request.signal.aborted) return 'cancelled';
    if (this.codes.size > 0) return resultOf(this.codes);
    if (status === undefined || status >= 500) return 'error';
    return status >= 400 ? 'invalid' : 'ok';
  }
}

/** A request that has been answered, to the last byte. */
export interface EndedRequest {
  readonly facts: RequestFacts;
  readonly status: number | undefined;
  readonly result: RequestResult;
  readonly millis: number;
}
