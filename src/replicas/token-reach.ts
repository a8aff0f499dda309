import type { Cluster } from './cluster.ts';
import type { Sample } from './sample.ts';
import type { Token } from './token.ts';

/**
 * Whether a server has certainly replayed everything up to the token. A token of an older timeline counts up to where
 * the server's own timeline is known to share that history; beyond may lie what was lost with the old primary.
 */
export function hasReplayed(sample: Sample, token: Token, cluster: Pick<Cluster, 'sharedUpTo'>): boolean {
  if (BigInt(sample.systemIdentifier) !== token.systemIdentifier) return false;
  if (token.lsn > sample.lsn || token.timeline > sample.timeline) return false;
  if (token.timeline === sample.timeline) return true;
  const shared = cluster.sharedUpTo(token.timeline, sample.timeline);
  return shared !== undefined && token.lsn <= shared;
}
