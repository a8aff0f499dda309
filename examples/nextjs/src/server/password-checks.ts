import { isPassword } from './passwords.ts';
import type { LocalUser } from './users.ts';

export interface PasswordCheckOptions {
  /** Keys are derived in Node's pool of four threads, which files and names of hosts need too. */
  readonly maxAtOnce: number;
  /** Some seconds of work; whoever comes later is to try again. */
  readonly maxWaiting: number;
}

/** Finds users by name and password, a few at once. */
export class PasswordChecks {
  readonly #users: readonly LocalUser[];
  readonly #options: PasswordCheckOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(users: readonly LocalUser[], options: PasswordCheckOptions = { maxAtOnce: 2, maxWaiting: 50 }) {
    this.#users = users;
    this.#options = options;
  }

  /** Undefined: the name or the password is wrong, after the same time. `busy`: too many are being checked. */
  async authenticate(name: string, password: string): Promise<LocalUser | 'busy' | undefined> {
    if (this.#waiting.length >= this.#options.maxWaiting) return 'busy';
    if (this.#running >= this.#options.maxAtOnce)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      const user = this.#users.find((candidate) => candidate.name === name);
      return (await isPassword(user?.password, password)) ? user : undefined;
    } finally {
      // The place goes to the next in turn, or is free.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
