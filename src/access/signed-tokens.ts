import { hash } from 'node:crypto';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { UnauthenticatedError } from '../errors.ts';
import { UNKNOWN } from './authentication.ts';
import { parseOwners } from './key-record.ts';
import type { Authenticator, Principal } from './principals.ts';
import { Right } from './right.ts';
import { type Role, roleNames, roleTraits, scopeOf } from './roles.ts';
import type { SignedTokenSettings } from './settings.ts';

/** Three parts of base64url; that of a token without a signature is empty, and is refused like any other. */
const FORM = /^[\w-]+\.[\w-]+\.[\w-]*$/;
/** Tokens that were verified: a client sends the same one with every request. */
const MAX_KNOWN = 2000;
/** In the place of accounts: everybody's calls. A claim that is missing must not mean that. */
const EVERY_ACCOUNT = 'all';
const SUBJECT = /^[\x21-\x7e]{1,128}$/;

interface Known {
  readonly principal: Principal;
  readonly right: Right;
}

export interface SignedTokensOptions extends SignedTokenSettings {
  /** The key that signed a token. */
  readonly key: JWTVerifyGetKey | Uint8Array;
  maxPageOf(role: Role): number;
}

/** JSON Web Tokens of an identity provider. */
export class SignedTokens {
  readonly #options: SignedTokensOptions;
  /** By digest, the one used last at the end. */
  readonly #known = new Map<string, Known>();

  constructor(options: SignedTokensOptions) {
    this.#options = options;
  }

  readonly authenticate: Authenticator = (token) => {
    if (!FORM.test(token)) return undefined;
    const digest = hash('sha256', token, 'base64');
    const known = this.#known.get(digest);
    if (!known || known.right.hasEnded) return this.#verify(token, digest);
    this.#known.delete(digest);
    this.#known.set(digest, known);
    return known.principal;
  };

  /** Ends the rights of tokens that were signed by other keys. */
  keepOnly(keyIds: ReadonlySet<string>): void {
    for (const [digest, { principal, right }] of this.#known) {
      if (keyIds.has(principal.keyId ?? '')) continue;
      right.revoke();
      this.#known.delete(digest);
    }
  }

  async #verify(token: string, digest: string): Promise<Principal> {
    const { key, algorithms, issuer, audience, skewSeconds } = this.#options;
    const options = {
      algorithms: [...algorithms],
      issuer,
      audience,
      clockTolerance: skewSeconds,
      requiredClaims: ['exp', 'sub'],
    };
    try {
      const verified = await (typeof key === 'function'
        ? jwtVerify(token, key, options)
        : jwtVerify(token, key, options));
      return this.#remember(digest, verified.payload, verified.protectedHeader.kid);
    } catch (error) {
      if (error instanceof UnauthenticatedError) throw error;
      // jose looks at the signature first, so that only who was given the token learns this.
      if (error instanceof errors.JWTExpired) throw new UnauthenticatedError('This token has expired.');
      throw new UnauthenticatedError(UNKNOWN);
    }
  }

  #remember(digest: string, claims: JWTPayload, keyId: string | undefined): Principal {
    const right = new Right((claims.exp! + this.#options.skewSeconds) * 1000);
    const principal = { ...this.#principalOf(claims), keyId, right };
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(digest, { principal, right });
    return principal;
  }

  /** Throws UnauthenticatedError for a token that was signed well and says nothing that we know. */
  #principalOf(claims: JWTPayload): Omit<Principal, 'keyId' | 'right'> {
    const { roleClaim, accountsClaim, customersClaim, maxPageOf } = this.#options;
    const refuse = (problem: string) => new UnauthenticatedError(`This token cannot be used: ${problem}`);
    if (!SUBJECT.test(claims.sub!)) throw refuse('its subject is not 1 to 128 printable characters.');
    const role = findRole(claims[roleClaim]);
    if (!role) throw refuse(`its claim "${roleClaim}" names no role, or several.`);
    const isOfEverybody = claims[accountsClaim] === EVERY_ACCOUNT;
    const accounts = isOfEverybody ? undefined : idsIn(claims[accountsClaim]);
    const customers = idsIn(claims[customersClaim]);
    if (customers && (accounts || isOfEverybody)) throw refuse('it has accounts and customers.');
    const saysWhose = isOfEverybody || accounts || customers || roleTraits(role).scopes.length === 1;
    if (!saysWhose)
      throw refuse(`it does not say whose calls: "${accountsClaim}" lists accounts, or is "all".`);
    const kind = accounts ? 'accounts' : customers ? 'customers' : 'all';
    try {
      const owners = parseOwners(role, kind, accounts ?? customers ?? []);
      return { name: `user ${claims.sub}`, role, scope: scopeOf(role, owners), maxPage: maxPageOf(role) };
    } catch (error) {
      throw refuse((error as Error).message);
    }
  }
}

/** The one role of ours among those it names; providers list roles of other programs too. */
function findRole(claim: unknown): Role | undefined {
  const named = new Set([claim].flat().map((text) => String(text).toUpperCase()));
  const found = roleNames.filter((name) => named.has(name));
  return found.length === 1 ? found[0] : undefined;
}

/** Undefined: the claim is not there. Texts, or numbers that JavaScript holds exactly; anything else is no id. */
function idsIn(claim: unknown): readonly string[] | undefined {
  if (claim === undefined || claim === null) return undefined;
  return [claim].flat().map((id) => {
    if (typeof id === 'string') return id;
    return Number.isSafeInteger(id) ? String(id) : 'no id';
  });
}
