import { type ReplicaState, replicaStates, stateTraits } from '../replicas/states.ts';
import { isForwarded } from './forwarded.ts';
import { type Route, refuseMethod } from './routes.ts';

/** What probes see of one standby. No host, no user: probes carry no token. */
export interface StandbyHealth {
  readonly name: string;
  readonly status: ReplicaState;
  /** Upper bound of its staleness; null when unknown. */
  readonly lagSeconds: number | null;
  /** RFC 3339; null before the first sample. */
  readonly sampledAt: string | null;
}

/** All of it from memory: a probe never waits for a database. */
export interface HealthDeps {
  /** At least one standby answered lately, so that calls can be read. */
  isReady(): boolean;
  /** What is wrong with the tables, so that some queries, or all, cannot be answered. */
  problems?(): readonly string[];
  /** The gateway is closing down; no new requests should be sent here. */
  isDraining(): boolean;
  standbys(): readonly StandbyHealth[];
}

/** Names of standbys, and what is wrong with tables, are for who is inside. */
function shownTo(request: Request, body: HealthBody): HealthBody {
  return isForwarded(request) ? { status: body.status } : body;
}

type Verdict = (typeof stateTraits)[ReplicaState]['verdict'];

/**
 * `/livez`: the process runs, whatever its databases do. `/readyz` and its older name `/health`: calls can be read
 * here; 503 otherwise. `replicationStatus` answers even then, so it must not hang on readiness. Bodies follow the
 * Internet-Draft "Health Check Response Format for HTTP APIs"; what comes through a proxy is told the status alone.
 */
export function createHealthRoute(deps: HealthDeps): Route {
  const bodies: Readonly<Record<string, () => HealthBody>> = {
    '/livez': () => ({ status: 'pass' }),
    '/readyz': () => readiness(deps),
    '/health': () => readiness(deps),
  };
  return (request, { pathname }) => {
    const bodyOf = Object.hasOwn(bodies, pathname) ? bodies[pathname] : undefined;
    if (!bodyOf) return undefined;
    return refuseMethod(request, ['GET', 'HEAD']) ?? respond(request, shownTo(request, bodyOf()));
  };
}

interface HealthBody {
  readonly status: Verdict;
  readonly output?: string;
  readonly checks?: Readonly<Record<string, readonly object[]>>;
}

function readiness(deps: HealthDeps): HealthBody {
  const checks = Object.fromEntries(deps.standbys().map((one) => [`${one.name}:staleness`, [check(one)]]));
  if (deps.isDraining()) return { status: 'fail', output: 'The gateway is closing down.', checks };
  const problems = deps.problems?.() ?? [];
  const output = problems.join('; ');
  if (!deps.isReady()) return { status: 'fail', output: output || 'No standby can answer now.', checks };
  const isWhole = deps.standbys().every(({ status }) => stateTraits[status].verdict === 'pass');
  if (output) return { status: 'warn', output, checks };
  return { status: isWhole ? 'pass' : 'warn', checks };
}

function check({ status, lagSeconds, sampledAt }: StandbyHealth): object {
  return {
    componentType: 'datastore',
    status: stateTraits[status].verdict,
    ...(lagSeconds !== null && { observedValue: lagSeconds, observedUnit: 's' }),
    ...(sampledAt !== null && { time: sampledAt }),
    ...(stateTraits[status].verdict !== 'pass' && { output: `${status}: ${replicaStates[status]}` }),
  };
}

function respond(request: Request, body: HealthBody): Response {
  const text = JSON.stringify(body);
  return new Response(request.method === 'HEAD' ? null : text, {
    status: body.status === 'fail' ? 503 : 200,
    headers: {
      'content-type': 'application/health+json',
      'content-length': String(Buffer.byteLength(text)),
      'cache-control': 'no-store',
    },
  });
}
