import { KeySet } from './jwks.ts';
import type { Authenticator } from './principals.ts';
import { maxPageOfRole, type Role } from './roles.ts';
import type { AccessSettings, SignedTokenSettings } from './settings.ts';
import { SignedTokens } from './signed-tokens.ts';

export interface OpenSignedTokens {
  readonly authenticate: Authenticator;
  /** Resolves when the keys of the identity provider were fetched once, or could not be. */
  readonly firstLook: Promise<void>;
}

interface Log {
  warn(facts: object, message: string): void;
}

/** Signed tokens by the secret of the settings, or by the keys of an identity provider until `stop` is aborted. */
export function openSignedTokens(
  settings: AccessSettings & { readonly signedTokens: SignedTokenSettings },
  logger: Log,
  stop: AbortSignal,
): OpenSignedTokens {
  const { secret, jwksUrl, ...rules } = settings.signedTokens;
  const options = { ...rules, maxPageOf: (role: Role) => maxPageOfRole(role, settings) };
  if (secret !== undefined || jwksUrl === undefined) {
    const tokens = new SignedTokens({ ...options, key: Buffer.from(secret ?? '') });
    return { authenticate: tokens.authenticate, firstLook: Promise.resolve() };
  }
  const keySet: KeySet = new KeySet({
    url: jwksUrl,
    onKeys: (keyIds) => tokens.keepOnly(keyIds),
    onProblem: (error) => logger.warn({ err: error }, 'the keys of the identity provider cannot be fetched'),
  });
  const tokens = new SignedTokens({ ...options, key: keySet.find });
  stop.addEventListener('abort', () => keySet.close(), { once: true });
  return { authenticate: tokens.authenticate, firstLook: keySet.start() };
}
