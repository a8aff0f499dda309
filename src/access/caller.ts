import type { Principal, Principals } from './principals.ts';

/** Who sends a request. The principal is obtained once, when a part first needs it. */
export class Caller {
  readonly #authorization: string | null;
  readonly #principals: Principals;
  #principal: Promise<Principal> | undefined = undefined;

  constructor(authorization: string | null, principals: Principals) {
    this.#authorization = authorization;
    this.#principals = principals;
  }

  /** Rejects with UnauthenticatedError. */
  principal(): Promise<Principal> {
    this.#principal ??= this.#principals.authenticate(this.#authorization);
    return this.#principal;
  }
}
