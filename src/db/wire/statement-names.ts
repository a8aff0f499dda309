import { hash } from 'node:crypto';

/** Statements prepared per connection: what one client asks for has fewer shapes, and each costs PostgreSQL memory. */
const MAX_PREPARED = 200;

/** Bits of the hash that are kept. PostgreSQL's names end at 63 bytes. */
const NAME_BITS = 128;

/**
 * What a statement is prepared as: a hash of its text. A pooler lends one session to several clients, one after the
 * other; with names that were counted, one of them ran what another had prepared, and was sent foreign calls. So the
 * same name means the same text, whichever client prepared it.
 */
export function statementNameOf(text: string): string {
  return `cdr_${hash('sha256', text, 'buffer').toString('base64url', 0, NAME_BITS / 8)}`;
}

/** A statement as it is to be executed on one connection. */
export interface NamedStatement {
  /** Empty: it is parsed each time. */
  readonly name: string;
  /** The name of another statement that is given up for it, and must be closed. */
  readonly replaced: string | undefined;
}

/** The statements prepared on one connection. */
export class StatementNames {
  readonly #names = new Map<string, string>();
  #isNameless = false;

  /** Names the statement. Once there are too many, the one that was named first makes room. */
  of(text: string): NamedStatement {
    if (this.#isNameless) return { name: '', replaced: undefined };
    const known = this.#names.get(text);
    if (known !== undefined) return { name: known, replaced: undefined };
    const name = statementNameOf(text);
    let replaced: string | undefined;
    if (this.#names.size >= MAX_PREPARED) {
      const [oldest] = this.#names;
      this.#names.delete(oldest![0]);
      replaced = oldest![1];
    }
    this.#names.set(text, name);
    return { name, replaced };
  }

  /** The statement is prepared anew when it is executed next; returns the name under which it still is. */
  forget(text: string): string | undefined {
    const name = this.#names.get(text);
    this.#names.delete(text);
    return name;
  }

  /** From now on no statement has a name: the session behind this connection changes, and with it what is prepared. */
  giveUp(): void {
    this.#isNameless = true;
    this.#names.clear();
  }
}

/** What PostgreSQL says of a statement whose result would have other columns than when it was prepared. */
export function isStalePlan(error: unknown): boolean {
  return (error as { code?: unknown }).code === '0A000';
}

/** What PostgreSQL says where a pooler put another session behind the connection: not prepared, or prepared already. */
export function isSessionChange(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '26000' || code === '42P05';
}
