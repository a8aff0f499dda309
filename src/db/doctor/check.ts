import type { SourceName } from '../sources/sources.ts';
import type { Finding } from './finding.ts';
import type { Server } from './server.ts';

/** The servers that answer, and what the gateway will want of them. */
export interface Fleet {
  /** Named by PRIMARY_URL, and not in recovery. */
  readonly primary: Server | undefined;
  /** In recovery, whoever named them. */
  readonly standbys: readonly Server[];
  /** All of them, each once, the primary first. */
  readonly servers: readonly Server[];
  /** The same server through the eyes of a superuser: named by --admin, or itself where its role is one. */
  adminOf(server: Server): Server | undefined;
  readonly source: SourceName;
  /** DB_MAX_CONNECTIONS of one gateway. */
  readonly poolSize: number;
  /** STATEMENT_TIMEOUT. */
  readonly statementTimeoutSeconds: number;
  /** FEED_PUBLICATION and FEED_USER; undefined where corrections are not told from the WAL. */
  readonly feed?: { readonly publication: string; readonly user?: string | undefined } | undefined;
  /** Whether ROLLUPS_FILE is set. */
  readonly keepsRollups?: boolean | undefined;
  /** Milliseconds since 1970, on this host. */
  now(): number;
}

/** What one look at the fleet gave. */
export interface Examination {
  readonly findings: readonly Finding[];
  /** Sentences about what could not be looked at, and from where it can. No findings: all may be well. */
  readonly unseen?: readonly string[];
}

/** One topic. It only reads. */
export interface Check {
  readonly topic: string;
  examine(fleet: Fleet): Promise<Examination>;
}

/** A check that looks at one server after another. */
export function checkServers(
  topic: string,
  among: (fleet: Fleet) => readonly Server[],
  examine: (server: Server, fleet: Fleet) => Promise<readonly Finding[]> | readonly Finding[],
): Check {
  return {
    topic,
    async examine(fleet) {
      const findings: Finding[] = [];
      for (const server of among(fleet)) findings.push(...(await examine(server, fleet)));
      return { findings };
    },
  };
}

/** Those that are found and not undefined. */
export function present<T>(items: readonly (T | undefined | null | false)[]): readonly T[] {
  return items.filter((item): item is T => item !== undefined && item !== null && item !== false);
}
