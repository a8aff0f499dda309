import { existsSync, readFileSync, statSync } from 'node:fs';
import { writeText } from './local-files.ts';
import type { Step } from './plan.ts';
import { refuse } from './setup-error.ts';

/** REPLICA_URLS_FILE of gateways on this host: they read it again when it changes. */
export class UrlsFile {
  readonly #path: string;
  readonly #lines: readonly string[];

  /** Throws a SetupRefusedError where it cannot be read. */
  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path))
      refuse(`There is no file ${path} on this host: name the one of REPLICA_URLS_FILE.`);
    this.#lines = readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
  }

  has(name: string): boolean {
    return this.#lines.some((line) => namesStandby(line, name));
  }

  addStep(name: string, url: string): Step {
    const line = url.includes('#') ? url : `${url}#${name}`;
    return {
      title: `Name ${name} in ${this.#path}`,
      because: 'gateways read the file again when it changes, and read from it as soon as it has caught up',
      shows: [line.replace(/:[^:@/]*@/, ':…@')],
      apply: () => this.#write([...this.#lines, line]),
    };
  }

  /** Throws a SetupRefusedError where it is the last one. */
  removeStep(name: string): Step {
    const kept = this.#lines.filter((line) => !namesStandby(line, name));
    const gone = this.#lines.filter((line) => namesStandby(line, name));
    if (gone.some((line) => line.includes(','))) {
      refuse(`${name} stands in one line of ${this.#path} with others: give each its own line.`);
    }
    if (!kept.some(isUrl))
      refuse(`${name} is the last standby in ${this.#path}: gateways could read from nobody.`);
    return {
      title: `Take ${name} out of ${this.#path}`,
      because: 'gateways give it no new request, and those that it has may end, within ten minutes',
      shows: gone.map((line) => `- ${line.replace(/:[^:@/]*@/, ':…@')}`),
      apply: () => this.#write(kept),
    };
  }

  #write(lines: readonly string[]): Promise<void> {
    const { uid, gid } = statSync(this.#path);
    return writeText(this.#path, `${lines.join('\n')}\n`, { account: { name: '', uid, gid } });
  }
}

const isUrl = (line: string): boolean => line.trim() !== '' && !line.trim().startsWith('#');

/** As `#db-2`, perhaps with zone and weight behind. */
function namesStandby(line: string, name: string): boolean {
  return isUrl(line) && line.split(',').some((url) => url.split('#')[1]?.trim().split(';')[0] === name);
}
