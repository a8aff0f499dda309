import { createReplicas } from '../replicas/replicas.ts';
import { databaseSettings } from '../replicas/settings.ts';
import type { ReplicaStatus } from '../replicas/status.ts';
import { parseSettings } from '../settings/parse.ts';
import type { Environment } from '../settings/setting.ts';

const exitCodes = { OK: 0, DEGRADED: 1, DOWN: 2 } as const;

/** Looks at every standby once and prints what it found. Exit code 0 all is well, 1 degraded, 2 down. */
export async function status(env: Environment, log: (line: string) => void): Promise<number> {
  const { replicaUrls, primaryUrl } = parseSettings(databaseSettings, env);
  const replicas = createReplicas({ replicaUrls, primaryUrl, poolSize: 1 });
  try {
    await replicas.firstLook;
    const found = replicas.snapshot();
    log(`${found.status}${found.asOf ? `, as of ${found.asOf}` : ''}`);
    for (const replica of found.replicas) log(`  ${describeReplica(replica)}`);
    if (found.primary)
      log(`  primary: ${found.primary.status}${found.primary.reason ? `. ${found.primary.reason}` : ''}`);
    return exitCodes[found.status];
  } finally {
    await replicas.close();
  }
}

function describeReplica({ name, status, lagSeconds, lagBytes, confidence, reason }: ReplicaStatus): string {
  const age = lagSeconds === null ? 'age unknown' : `at most ${lagSeconds.toFixed(1)} s old`;
  const bytes = lagBytes === null ? '' : `, ${lagBytes} bytes behind`;
  return `${name}: ${status}, ${age}${bytes} (confidence ${confidence})${reason ? `. ${reason}` : ''}`;
}
