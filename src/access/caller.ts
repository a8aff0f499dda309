import type { Credentials, Principal, Principals } from './principals.ts';

/** Who sends a request. The principal is obtained once, when a part first needs it. */
export class Caller {
  readonly #credentials: Credentials;
  readonly #principals: Principals;
  #principal: Promise<Principal> | undefined = undefined;

  constructor(credentials: Credentials, principals: Principals) {
    this.#credentials = credentials;
    this.#principals = principals;
  }

  /** Of the client, as far as it is known. */
  get address(): string | undefined {
    return this.#credentials.address;
  }

  /** Rejects with UnauthenticatedError. */
  principal(): Promise<Principal> {
    this.#principal ??= this.#principals.authenticate(this.#credentials);
    return this.#principal;
  }
}
