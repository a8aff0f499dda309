import { Caller } from '../access/caller.ts';
import type { Principal, Principals } from '../access/principals.ts';
import type { Context } from '../context.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import type { ReplicaSession } from '../replicas/session.ts';
import { allowanceOf, checkCost } from './cost.ts';
import { type Freshness, parseFreshness } from './freshness.ts';

/**
 * A step that every request takes, whichever way it came in. A new one (a permission, a budget, a limit of rate) is
 * a line in `createPhases`.
 */
export interface Phase {
  readonly name: string;
  run(request: GatewayRequest): void | Promise<void>;
  /** Runs although an earlier phase has refused the request: phases that report, never ones that permit. */
  readonly always?: true;
}

export interface PhaseDeps {
  readonly principals: Principals;
  /** Older answers are refused, whatever the request says. Undefined: any age is answered. */
  readonly maxStalenessSeconds: number | undefined;
  /** Opens what the request may use; chooses and connects nothing yet. */
  openSession(admitted: Admitted, request: GatewayRequest): Opened;
}

/** Who asks, and how fresh the answer must be. */
export interface Admitted {
  readonly principal: Principal;
  readonly freshness: Freshness;
}

export interface Opened {
  readonly session: ReplicaSession;
  readonly context: Context;
}

/** The phases, in the order in which every request meets them. docs/lifecycle.md draws them. */
export function createPhases(deps: PhaseDeps): readonly Phase[] {
  return [
    { name: 'admit', run: (request) => admit(request, deps) },
    { name: 'document', run: (request) => request.read() },
    { name: 'cost', run: limitCost },
    { name: 'plan', run: (request) => request.plan() },
    { name: 'execute', run: (request) => request.execute() },
    { name: 'report', run: (request) => request.report(), always: true },
  ];
}

/** Takes a request through the phases. One that a phase refuses meets no further ones but those that always run. */
export async function answerRequest(request: GatewayRequest, phases: readonly Phase[]): Promise<Response> {
  for (const phase of phases) {
    if (request.failure !== undefined && !phase.always) continue;
    try {
      // Not every phase waits for something, and each wait costs a turn of the microtask queue.
      const running = phase.run(request);
      if (running) await running;
    } catch (error) {
      request.refuse(error);
      // What was reported before is no longer true.
      if (phase.always) request.report();
    }
  }
  return request.respond();
}

/** Rejects with UnauthenticatedError, BadRequestError or InvalidTokenError. */
async function admit(request: GatewayRequest, deps: PhaseDeps): Promise<void> {
  const { headers } = request.http;
  const caller = request.facts.caller ?? new Caller(headers.get('authorization'), deps.principals);
  const principal = await caller.principal();
  request.facts.principal = principal.name;
  const freshness = parseFreshness(headers, deps.maxStalenessSeconds);
  const admitted = { principal, freshness };
  request.admit(admitted, deps.openSession(admitted, request));
}

/** Throws LimitExceededError. */
function limitCost(request: GatewayRequest): void {
  request.points = request.cost();
  checkCost(request.points, allowanceOf(request.principal));
}

/** One request on its way through the phases. What a phase finds out is kept here for the next ones. */
export abstract class GatewayRequest {
  readonly http: Request;
  readonly facts: RequestFacts;
  /** What it costs, by the rules of `cost.ts`; 0 before that was counted. */
  points = 0;
  /** What refused the request, or went wrong with all of it. */
  failure: { readonly error: unknown } | undefined = undefined;
  #admitted: Admitted | undefined = undefined;
  #opened: Opened | undefined = undefined;

  constructor(http: Request, facts: RequestFacts) {
    this.http = http;
    this.facts = facts;
  }

  /** Reads the operation, and checks it as far as that needs no database. */
  abstract read(): void | Promise<void>;
  /** Points of the work that is about to be done. */
  abstract cost(): number;
  /** Decides how it is executed. */
  abstract plan(): void;
  abstract execute(): void | Promise<void>;
  /** Puts the result, or the failure, into the words a client may see, and notes them. */
  abstract report(): void;
  abstract respond(): Response | Promise<Response>;

  admit(admitted: Admitted, opened: Opened): void {
    this.#admitted = admitted;
    this.#opened = opened;
  }

  refuse(error: unknown): void {
    this.failure = { error };
    this.#opened?.session.end();
  }

  get principal(): Principal {
    return afterAdmission(this.#admitted).principal;
  }

  /** What resolvers may use. */
  get context(): Context {
    return afterAdmission(this.#opened).context;
  }

  get session(): ReplicaSession {
    return afterAdmission(this.#opened).session;
  }
}

function afterAdmission<T>(known: T | undefined): T {
  if (known === undefined) throw new Error('A phase before admission reads what only admission finds out.');
  return known;
}
