import { createPrincipals } from './authentication.ts';
import { watchKeyFile } from './key-file.ts';
import { KeyRing } from './key-ring.ts';
import type { OpenSignedTokens } from './open-signed-tokens.ts';
import type { Authenticator, Principals } from './principals.ts';
import { maxPageOfRole } from './roles.ts';
import type { AccessSettings, SignedTokenSettings } from './settings.ts';

interface Log {
  warn(facts: object, message: string): void;
}

/** Every way to sign in that the settings name. */
export interface SignIn {
  readonly principals: Principals;
  /** To be filled from the standbys; undefined unless the keys are in the table. */
  readonly tableKeys: KeyRing | undefined;
  /** Resolves when what is in files, and at an identity provider, was looked at once. */
  readonly firstLook: Promise<unknown>;
  /** Aborted when it is closed: rights end also while the gateway drains. */
  readonly closed: AbortSignal;
  close(): void;
}

export function openSignIn(settings: AccessSettings, logger: Log): SignIn {
  const stop = new AbortController();
  const others: Authenticator[] = [];
  const looks: Promise<void>[] = [];
  const openKeyRing = () => {
    const ring = new KeyRing({
      maxPageOf: ({ role }) => maxPageOfRole(role, settings),
      onBadKey: (problem) => logger.warn({ problem }, 'an API key cannot be used'),
    });
    others.push(ring.authenticate);
    return ring;
  };

  const tableKeys = settings.keysFrom === 'table' ? openKeyRing() : undefined;
  if (settings.keyFile !== undefined) {
    const ring = openKeyRing();
    const onProblem = (error: unknown) => logger.warn({ err: error }, 'the file of API keys cannot be used');
    looks.push(
      watchKeyFile(settings.keyFile, { onKeys: (keys) => ring.replace(keys), onProblem }, stop.signal),
    );
  }
  const { signedTokens } = settings;
  if (signedTokens) {
    const { authenticate, firstLook } = loadSignedTokens({ ...settings, signedTokens }, logger, stop.signal);
    others.push(authenticate);
    looks.push(firstLook);
  }
  return {
    principals: createPrincipals(settings, others),
    tableKeys,
    firstLook: Promise.all(looks),
    closed: stop.signal,
    close: () => stop.abort(),
  };
}

/** What looks at signatures is loaded only where they are wanted: elsewhere the start is as fast without. */
function loadSignedTokens(
  settings: AccessSettings & { readonly signedTokens: SignedTokenSettings },
  logger: Log,
  stop: AbortSignal,
): OpenSignedTokens {
  const loading = import('./open-signed-tokens.ts').then(({ openSignedTokens }) =>
    openSignedTokens(settings, logger, stop),
  );
  return {
    authenticate: async (token, address) => (await loading).authenticate(token, address),
    firstLook: loading.then(({ firstLook }) => firstLook),
  };
}
