import type { Scope } from '../db/scope.ts';
import type { Right } from './right.ts';
import type { Role } from './roles.ts';

/** Who sends a request, what they may see, and how much at once. */
export interface Principal {
  /** As logs show it. Requests of one name share connections and budgets, whichever credential they come with. */
  readonly name: string;
  readonly role: Role;
  readonly scope: Scope;
  /** Ceiling of `first` and `last`. */
  readonly maxPage: number;
  /** Of the API key, or of the key that signed the token; undefined for a static token. */
  readonly keyId?: string | undefined;
  /** Undefined: it ends with the process, as that of a static token does. */
  readonly right?: Right | undefined;
}

/** What a request says of its sender. */
export interface Credentials {
  /** The header; null without one. */
  readonly authorization: string | null;
  /** Of the client; undefined where it is not known. */
  readonly address?: string | undefined;
}

/** Finds the principal of a request. */
export interface Principals {
  /** Rejects with UnauthenticatedError when the header is missing, malformed, or names no principal. */
  authenticate(credentials: Credentials): Promise<Principal>;
}

/** One way to sign in. Undefined: the token is of another way. Throws UnauthenticatedError for a bad one of its own. */
export type Authenticator = (
  token: string,
  address: string | undefined,
) => Principal | undefined | Promise<Principal | undefined>;
