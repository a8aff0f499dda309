import { setTimeout as delay } from 'node:timers/promises';
import { type Commits, FIRST_ID, seconds } from './commits.ts';
import type { GatewayAnswer, GatewayProcess } from './gateway-process.ts';

/** A request that was not answered. */
export interface Failure {
  readonly code: string;
  /** Who was asked what, when, and what it said instead. */
  readonly story: string;
}

/** What a gateway was asked under load, and what came back. */
export interface LoadReport {
  readonly requests: number;
  readonly failures: readonly Failure[];
  /** Of those with a limit: refused because no standby was fresh enough, which is right. */
  readonly refusals: number;
  /** Answers that said to be younger than they were, older than their limit, or that went back behind a token; in words. */
  readonly violations: readonly string[];
  readonly longestSeconds: number;
  readonly slowest: string;
}

/** The limit of requests that have one. */
const MAX_STALENESS_SECONDS = 3;
const PAUSE_MS = 25;

const NEWEST = '{ cdrs(first: 1) { nodes { id } } }';
const documents = {
  page: NEWEST,
  'page with a limit': NEWEST,
  'page that goes on from a token': NEWEST,
  statistics: '{ cdrStats(groupBy: [COUNTRY]) { rows { attempts } } }',
  list: '{ cdrs(first: 3000, orderBy: OLDEST_FIRST) { nodes { id cli cld connectTime } } }',
} as const;

type RequestKind = keyof typeof documents;

/** Requests of every kind to one gateway, each kind one after another, until it is stopped. */
export class Load {
  readonly #gateway: GatewayProcess;
  readonly #commits: Commits;
  readonly #running: Promise<unknown>;
  readonly #failures: Failure[] = [];
  readonly #violations: string[] = [];
  readonly #begun = seconds();
  #isStopped = false;
  #requests = 0;
  #refusals = 0;
  #longest = 0;
  #slowest = '';
  /** Until then the gateway itself was frozen: no request can have been quicker. */
  excusedUntil = 0;
  #tokensExcused = { since: 0, until: 0 };
  readonly #waits: { readonly begun: number; readonly took: number }[] = [];

  constructor(gateway: GatewayProcess, commits: Commits) {
    this.#gateway = gateway;
    this.#commits = commits;
    this.#running = Promise.all((Object.keys(documents) as RequestKind[]).map((kind) => this.#repeat(kind)));
  }

  /** Pages that went on from a token meanwhile could be answered by nobody before it ended. */
  excuseTokens(since: number, until: number): void {
    this.#tokensExcused = { since, until };
  }

  async stop(): Promise<LoadReport> {
    this.#isStopped = true;
    await this.#running;
    const { since, until } = this.#tokensExcused;
    for (const { begun, took } of this.#waits) {
      if ((begun + took > since && begun < until) || took <= this.#longest) continue;
      this.#longest = took;
      this.#slowest = 'page that goes on from a token';
    }
    return {
      requests: this.#requests,
      failures: this.#failures,
      refusals: this.#refusals,
      violations: this.#violations,
      longestSeconds: this.#longest,
      slowest: this.#slowest,
    };
  }

  async #repeat(kind: RequestKind): Promise<void> {
    let token: string | undefined;
    let seen = 0;
    while (!this.#isStopped) {
      const headers: Record<string, string> = {};
      if (kind === 'page with a limit') headers['x-max-staleness'] = String(MAX_STALENESS_SECONDS);
      if (kind === 'page that goes on from a token' && token) headers['x-read-after'] = token;
      const begun = seconds();
      const answer = await this.#gateway
        .query(documents[kind], { headers })
        .catch(
          (error: Error) =>
            ({ status: 0, data: null, errors: [{ message: error.message }] }) as GatewayAnswer,
        );
      const took = seconds() - Math.max(begun, Math.min(this.excusedUntil, seconds()));
      this.#requests++;
      if (kind === 'page that goes on from a token') this.#waits.push({ begun, took });
      else if (took > this.#longest) {
        this.#longest = took;
        this.#slowest = kind;
      }
      if (answer.errors) {
        this.#noteFailure(kind, answer, begun);
        // Lost with the primary that was told of: whoever is told so goes on without it.
        if (codeOf(answer) === 'POSITION_LOST') [token, seen] = [undefined, 0];
      } else if (kind === 'list') this.#checkList(answer);
      else if (kind !== 'statistics') {
        const visible = Math.max(0, Number(answer.data.cdrs.nodes[0].id) - FIRST_ID + 1);
        this.#checkAge(kind, answer, visible, begun);
        if (kind === 'page that goes on from a token') {
          if (token && visible < seen) this.#violations.push(`call ${seen} was seen, then only ${visible}`);
          token = answer.extensions?.replica?.token;
          seen = visible;
        }
      }
      await delay(PAUSE_MS);
    }
  }

  #noteFailure(kind: RequestKind, answer: GatewayAnswer, begun: number): void {
    const code = codeOf(answer);
    if (kind === 'page with a limit' && code === 'REPLICA_TOO_STALE') {
      this.#refusals++;
      return;
    }
    const [asked, told] = [begun, seconds()].map((at) => (at - this.#begun).toFixed(1));
    const story = `${this.#gateway.name}, ${kind}, asked at ${asked} s, told at ${told} s: ${answer.errors![0]!.message}`;
    this.#failures.push({ code, story });
  }

  #checkList({ data }: GatewayAnswer): void {
    const ids: { readonly id: string }[] = data.cdrs.nodes;
    const strays = ids.filter(({ id }, index) => id !== String(index + 1)).length;
    if (ids.length !== 3000 || strays > 0)
      this.#violations.push(`a list of ${ids.length} calls, ${strays} of them astray`);
  }

  /** What the answer lacks was committed before it was wanted. */
  #checkAge(kind: RequestKind, { extensions }: GatewayAnswer, visible: number, begun: number): void {
    const { stalenessSeconds = null, name = '' } = extensions?.replica ?? {};
    const truth = this.#commits.ageOfMissing(visible, begun);
    if (stalenessSeconds !== null && stalenessSeconds < truth) {
      this.#violations.push(
        `${this.#gateway.name}: ${name} answered "${stalenessSeconds} s" (${kind}), and the truth was ${truth.toFixed(3)} s`,
      );
    }
    if (kind !== 'page with a limit') return;
    if (stalenessSeconds === null || stalenessSeconds > MAX_STALENESS_SECONDS) {
      this.#violations.push(
        `${this.#gateway.name}: ${name} answered "${stalenessSeconds} s" where ${MAX_STALENESS_SECONDS} s were allowed`,
      );
    }
  }
}

function codeOf({ errors, status }: GatewayAnswer): string {
  const [error] = errors!;
  return error!.extensions?.code ?? `HTTP ${status}: ${error!.message}`;
}

/** As a table says it. */
export function countByCode(failures: readonly Pick<Failure, 'code'>[]): string {
  const byCode = [...Map.groupBy(failures, ({ code }) => code)];
  return byCode.map(([code, { length }]) => `${length} ${code}`).join(', ');
}

const MAX_STORIES = 5;

/** The first of each code in full, and how many more there were. */
export function describeFailures(failures: readonly Failure[]): string[] {
  return [...Map.groupBy(failures, ({ code }) => code)].flatMap(([code, alike]) => {
    const stories = alike.slice(0, MAX_STORIES).map(({ story }) => `${code}: ${story}`);
    const more = alike.length - stories.length;
    return more > 0 ? [...stories, `${code}: ${more} more`] : stories;
  });
}
