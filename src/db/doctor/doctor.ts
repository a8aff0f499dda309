import type { SourceName } from '../sources/sources.ts';
import type { Check, Fleet } from './check.ts';
import { allChecks } from './checks.ts';
import type { Finding } from './finding.ts';
import { isSameServer, type NamedBy, openServer, placeOf, type Server } from './server.ts';
import { explainUnreachable } from './unreachable.ts';

/** 0: everything is as it should be. 1: it works, with warnings. 2: the gateway would not start, or not read. */
export type ExitCode = 0 | 1 | 2;

export interface DoctorOptions {
  readonly replicaUrls: readonly string[];
  /** Several where the primary may be one of them. */
  readonly primaryUrls?: readonly string[];
  /** Of any of these servers as a superuser, for what the role of the gateway may not see. */
  readonly adminUrls?: readonly string[];
  /** Sentences of what was wrong before a server was reached. */
  readonly problems?: readonly string[];
  readonly source: SourceName;
  /** DB_MAX_CONNECTIONS; 10 where it is not given. */
  readonly poolSize?: number;
  /** STATEMENT_TIMEOUT; 60 where it is not given. */
  readonly statementTimeoutSeconds?: number;
  /** See Fleet. */
  readonly feed?: Fleet['feed'];
  readonly keepsRollups?: Fleet['keepsRollups'];
  /** All of them where it is not given. */
  readonly checks?: readonly Check[];
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface ExaminedServer {
  readonly place: string;
  readonly namedBy: NamedBy;
  /** Undefined where it could not be reached. */
  readonly about:
    | { readonly version: string; readonly isStandby: boolean; readonly role: string }
    | undefined;
}

export interface DoctorReport {
  readonly exitCode: ExitCode;
  readonly source: SourceName;
  readonly servers: readonly ExaminedServer[];
  readonly findings: readonly Finding[];
  /** What could not be looked at from here. */
  readonly unseen: readonly string[];
}

/** Looks at every server as the gateway would, and at what only an operator would look at. Changes nothing. */
export async function examine(options: DoctorOptions): Promise<DoctorReport> {
  const { replicaUrls, primaryUrls = [], adminUrls = [], source, checks = allChecks } = options;
  const wanted = [
    ...primaryUrls.map((url) => ({ url, namedBy: 'PRIMARY_URL' as const })),
    ...replicaUrls.map((url) => ({ url, namedBy: 'REPLICA_URLS' as const })),
  ];
  const opened = await Promise.all(wanted.map(({ url, namedBy }) => reach(url, namedBy)));
  const asAdmin = await Promise.all(adminUrls.map((url) => reach(url, '--admin')));
  try {
    const servers = opened.flatMap(({ server }) => server ?? []);
    const admins = [...asAdmin, ...opened].flatMap(({ server }) => (server?.facts.isSuperuser ? server : []));
    const findings = [
      ...(options.problems ?? []).map(unnamed),
      ...[...opened, ...asAdmin].flatMap(({ finding }) => finding ?? []),
    ];
    const fleet: Fleet = {
      primary: servers.find(({ namedBy, facts }) => namedBy === 'PRIMARY_URL' && !facts.isStandby),
      standbys: servers.filter(({ facts }) => facts.isStandby),
      servers,
      adminOf: (server) => admins.find((admin) => isSameServer(admin, server)),
      source,
      poolSize: options.poolSize ?? 10,
      statementTimeoutSeconds: options.statementTimeoutSeconds ?? 60,
      feed: options.feed,
      keepsRollups: options.keepsRollups,
      now: options.now ?? Date.now,
    };
    const unseen: string[] = [];
    for (const check of servers.length > 0 ? checks : []) {
      const result = await run(check, fleet);
      findings.push(...result.findings);
      unseen.push(...(result.unseen ?? []));
    }
    return { exitCode: exitCodeOf(findings), source, servers: opened.map(describeServer), findings, unseen };
  } finally {
    await Promise.all([...opened, ...asAdmin].map(({ server }) => server?.close()));
  }
}

function unnamed(message: string): Finding {
  return { code: 'SERVERS_NOT_NAMED', severity: 'problem', message };
}

interface Reached {
  readonly place: string;
  readonly namedBy: NamedBy;
  readonly server?: Server;
  readonly finding?: Finding;
}

async function reach(url: string, namedBy: NamedBy): Promise<Reached> {
  const place = placeOf(url);
  try {
    return { place, namedBy, server: await openServer(url, namedBy) };
  } catch (error) {
    return { place, namedBy, finding: explainUnreachable(place, namedBy, error) };
  }
}

/** A topic that cannot be looked at must not hide the others. */
async function run(check: Check, fleet: Fleet) {
  try {
    return await check.examine(fleet);
  } catch (error) {
    const message = `${check.topic} could not be looked at: ${(error as Error).message}.`;
    return { findings: [{ code: 'CHECK_FAILED', severity: 'warning', message } satisfies Finding] };
  }
}

function exitCodeOf(findings: readonly Finding[]): ExitCode {
  if (findings.some(({ severity }) => severity === 'problem')) return 2;
  return findings.length > 0 ? 1 : 0;
}

function describeServer({ place, namedBy, server }: Reached): ExaminedServer {
  if (!server) return { place, namedBy, about: undefined };
  const { version, isStandby, role } = server.facts;
  return { place, namedBy, about: { version, isStandby, role } };
}
