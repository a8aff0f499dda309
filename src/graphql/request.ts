import type { Budget, Charge } from '../access/budget/budget.ts';
import { Caller } from '../access/caller.ts';
import type { Principal, Principals } from '../access/principals.ts';
import { type Right, watchRight } from '../access/right.ts';
import type { Context } from '../context.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import type { Positions } from '../replicas/positions.ts';
import type { ReplicaSession } from '../replicas/session.ts';
import {
  allowanceOf,
  type Cost,
  checkCost,
  POINTS_PER_MILLI,
  pointsOfRefused,
  pointsOfText,
} from './cost.ts';
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
  readonly budget: Budget;
  /** Older answers are refused, whatever the request says. Undefined: any age is answered. */
  readonly maxStalenessSeconds: number | undefined;
  /** Reads the positions that clients send. */
  readonly positions: Pick<Positions, 'decode'>;
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
    { name: 'document', run: (request) => readDocument(request, deps) },
    { name: 'reuse', run: (request) => request.reuse() },
    { name: 'cost', run: (request) => chargeCost(request, deps) },
    { name: 'plan', run: (request) => request.plan() },
    { name: 'execute', run: (request) => execute(request, deps) },
    { name: 'report', run: (request) => request.report(), always: true },
  ];
}

/**
 * Takes a request through the phases. One that a phase refuses, or has an answer for, meets no further ones but those that
 * always run.
 */
export async function answerRequest(request: GatewayRequest, phases: readonly Phase[]): Promise<Response> {
  for (const phase of phases) {
    if ((request.failure !== undefined || request.isAnswered) && !phase.always) continue;
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

/** Rejects with UnauthenticatedError, RateLimitedError, BadRequestError or InvalidTokenError. */
async function admit(request: GatewayRequest, deps: PhaseDeps): Promise<void> {
  const { headers } = request.http;
  const caller =
    request.facts.caller ?? new Caller({ authorization: headers.get('authorization') }, deps.principals);
  const principal = await caller.principal();
  request.facts.principal = principal.name;
  deps.budget.admit(principal);
  request.facts.sender = principal;
  const freshness = parseFreshness(headers, deps.maxStalenessSeconds, deps.positions);
  if (principal.right) request.watch(principal.right);
  const admitted = { principal, freshness };
  request.admit(admitted, deps.openSession(admitted, request));
}

/** What is refused has cost time too, and would otherwise be free. */
async function readDocument(request: GatewayRequest, { budget }: PhaseDeps): Promise<void> {
  try {
    await request.read();
  } catch (error) {
    budget.spend(request.principal, pointsOfRefused(request.textLength));
    throw error;
  }
}

/** Rejects with LimitExceededError or RateLimitedError. */
async function chargeCost(request: GatewayRequest, { budget }: PhaseDeps): Promise<void> {
  const cost = request.cost();
  checkCost(cost.points, allowanceOf(request.principal));
  const text = pointsOfText(request.textLength);
  request.points = cost.points + text;
  const charge = await budget.charge(request.principal, request.points);
  request.charged(charge, cost.kept + text);
}

function execute(request: GatewayRequest, { budget }: PhaseDeps): void | Promise<void> {
  if (request.isLong) request.whenEnded(budget.openStream(request.principal));
  return request.execute();
}

/** One request on its way through the phases. What a phase finds out is kept here for the next ones. */
export abstract class GatewayRequest {
  readonly http: Request;
  readonly facts: RequestFacts;
  /** What it costs, by the rules of `cost.ts`, with the reading of its text; 0 before that was counted. */
  points = 0;
  /** Characters of its text, once that is read. */
  textLength = 0;
  /** What refused the request, or went wrong with all of it. */
  failure: { readonly error: unknown } | undefined = undefined;
  readonly #ends: ((connectionMillis: number) => void)[] = [];
  #signal: AbortSignal | undefined = undefined;
  #admitted: Admitted | undefined = undefined;
  #opened: Opened | undefined = undefined;

  constructor(http: Request, facts: RequestFacts) {
    this.http = http;
    this.facts = facts;
  }

  /** Reads the operation, and checks it as far as that needs no database. */
  abstract read(): void | Promise<void>;
  /** Looks for an answer that holds for this request too. Most requests have none. */
  reuse(): void | Promise<void> {}
  /** Whether there is one: nothing is executed, and it costs nothing. */
  get isAnswered(): boolean {
    return false;
  }
  /** Points of the work that is about to be done. */
  abstract cost(): Cost;
  /** Whether a file or a long list is sent; known after the plan. */
  abstract get isLong(): boolean;
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

  /** `kept`: points of the charge that are not given back, whatever the statements take. */
  charged(charge: Charge, kept: number): void {
    this.whenEnded((connectionMillis) => charge.settle(kept + POINTS_PER_MILLI * connectionMillis));
  }

  /** Called once, when nothing can be read for this request any more. */
  whenEnded(act: (connectionMillis: number) => void): void {
    this.#ends.push(act);
  }

  end(connectionMillis: number): void {
    for (const act of this.#ends.splice(0)) act(connectionMillis);
  }

  refuse(error: unknown): void {
    this.failure = { error };
    this.#opened?.session.end();
  }

  get principal(): Principal {
    return afterAdmission(this.#admitted).principal;
  }

  get freshness(): Freshness {
    return afterAdmission(this.#admitted).freshness;
  }

  /** Aborted when the client leaves, and when the right of the principal ends. */
  get signal(): AbortSignal {
    return this.#signal ?? this.http.signal;
  }

  /** A right without an end, as most have, costs no signal of its own. Throws UnauthenticatedError when it has ended. */
  watch(right: Right): void {
    const { signal, forget } = watchRight(right, this.http.signal);
    signal.throwIfAborted();
    this.#signal = signal;
    this.whenEnded(forget);
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
