import { spawnSync } from 'node:child_process';

/** Why no containers of these images can be started here; empty when they can. Images are looked for, never fetched. */
export function missingForContainers(images: readonly string[]): string {
  if (!succeeds('docker', ['version'])) return 'no Docker engine answers';
  const absent = images.filter((image) => !succeeds('docker', ['image', 'inspect', image]));
  return absent.length > 0 ? `an image is not here, docker pull ${absent.join(' ')}` : '';
}

/** The same for compose.yaml. */
export function missingForCompose(images: readonly string[]): string {
  if (!succeeds('docker', ['compose', 'version'])) return 'no Docker Compose is installed';
  return missingForContainers(images);
}

/** For the name of a suite, so that a run which skips it says why. */
export const skipNote = (missing: string): string => (missing ? ` (skipped: ${missing})` : '');

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}
