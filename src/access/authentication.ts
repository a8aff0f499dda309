import { UnauthenticatedError } from '../errors.ts';
import type { Authenticator, Principals } from './principals.ts';
import type { AccessSettings } from './settings.ts';
import { createStaticTokens } from './static-tokens.ts';

/** No credential that we make or accept is longer; one that is costs no look-up and no signature. */
const MAX_TOKEN_CHARACTERS = 8192;

/** Principals by the static tokens of the settings, and by other ways to sign in, which are tried in turn. */
export function createPrincipals(
  settings: AccessSettings,
  others: readonly Authenticator[] = [],
): Principals {
  const authenticators = [createStaticTokens(settings), ...others];
  return {
    async authenticate({ authorization, address }) {
      const token = tokenIn(authorization);
      if (token === undefined) throw new UnauthenticatedError();
      for (const authenticate of authenticators) {
        const found = authenticate(token, address);
        const principal = found instanceof Promise ? await found : found;
        if (principal) return principal;
      }
      throw new UnauthenticatedError(UNKNOWN);
    },
  };
}

/** The same whatever is wrong with a credential that nobody has proven to hold. */
export const UNKNOWN = 'This token is not known here.';

function tokenIn(authorization: string | null): string | undefined {
  if (authorization === null || authorization.length > MAX_TOKEN_CHARACTERS) return undefined;
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
}
