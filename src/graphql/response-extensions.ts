import type { ReplicaSession } from '../replicas/session.ts';

/** What every answer says beside its data. `points`: what it was charged at most. */
export async function extensionsOf({
  session,
  points,
}: {
  readonly session: ReplicaSession;
  readonly points: number;
}) {
  const replica = await session.answeredBy();
  const stats = session.statsReadFrom(replica);
  return { replica, cost: { points }, ...(stats && { stats }) };
}
