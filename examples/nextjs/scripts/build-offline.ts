/** Builds without any network but the loopback, where this user may take it away: so nothing can be fetched meanwhile. */
import { spawnSync } from 'node:child_process';
import { withoutNetwork } from '../test/browser/without-network.ts';

const offline = withoutNetwork(['npm', 'run', '--silent', 'build']);
if (!offline) console.error('The network cannot be taken away here: it is built with it.');
const [command, ...args] = offline ?? ['npm', 'run', '--silent', 'build'];
process.exitCode = spawnSync(command!, args, { stdio: 'inherit' }).status ?? 1;
