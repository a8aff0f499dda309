import type { FuzzClient, Principal } from './fuzz-client.ts';

interface Staleness {
  readonly minSeconds: number | null;
  readonly maxSeconds: number | null;
}

/** What is said of a standby's age can be true: it is not younger than it is at least, and never of the future. */
export async function checkStaleness(client: FuzzClient, principal: Principal): Promise<void> {
  const query = '{ replicationStatus { replicas { name staleness { minSeconds maxSeconds } } } }';
  const { data } = await client.answer(query, principal, 'executed');
  for (const { name, staleness } of data.replicationStatus.replicas as {
    name: string;
    staleness: Staleness | null;
  }[]) {
    const { minSeconds = null, maxSeconds = null } = staleness ?? {};
    const [min, max] = [minSeconds ?? 0, maxSeconds ?? Number.POSITIVE_INFINITY];
    if (min < 0 || max < min)
      throw new Error(`${name} is at least ${min} s and at most ${max} s old: ${query}`);
  }
}
