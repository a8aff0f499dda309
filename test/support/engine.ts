import { spawnSync } from 'node:child_process';

/** What is missing to run containers here; empty when nothing is. Images are looked for, never fetched. */
export function missingForContainers(images: readonly string[] = []): string {
  if (!succeeds('docker', ['version'])) return 'no Docker engine answers';
  if (!succeeds('docker', ['compose', 'version'])) return 'Docker has no Compose plugin';
  const absent = images.filter((image) => !succeeds('docker', ['image', 'inspect', image]));
  return absent.length > 0 ? `images are not here, docker pull ${absent.join(' ')}` : '';
}

/** For the name of a suite, so that a run which skips it says why. */
export const skipNote = (missing: string): string => (missing ? ` (skipped: ${missing})` : '');

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}
