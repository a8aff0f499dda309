import { Attempts } from './attempts.ts';
import { forwardedTokens, type GatewayTokens, signedTokens } from './gateway-tokens.ts';
import { IdentityProvider } from './identity-provider.ts';
import { PasswordChecks } from './password-checks.ts';
import { PendingSignIns } from './pending-sign-ins.ts';
import { Sessions } from './sessions.ts';
import { parseSettings, type Settings } from './settings.ts';

/** What the requests to this process share. */
export interface ServerParts {
  readonly settings: Settings;
  readonly sessions: Sessions;
  readonly passwords: PasswordChecks;
  readonly attempts: Attempts;
  /** Undefined: users of the settings alone. */
  readonly identityProvider: IdentityProvider | undefined;
  readonly pendingSignIns: PendingSignIns;
  readonly gatewayTokens: GatewayTokens;
}

// Next bundles pages and routes apart, each with a copy of this module: what they share must hang on the process.
const KEY = Symbol.for('call-explorer.server-parts');
const ofProcess = globalThis as { [KEY]?: ServerParts };

/** Made when the first request needs them, from the environment: a build needs none. */
export function serverParts(): ServerParts {
  ofProcess[KEY] ??= makeParts(parseSettings(process.env));
  return ofProcess[KEY];
}

/** Ends the process where a setting is wrong, with a list of every wrong one. */
export function requireSettings(): void {
  try {
    serverParts();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

function makeParts(settings: Settings): ServerParts {
  const identityProvider = settings.identityProvider && new IdentityProvider(settings.identityProvider);
  return {
    settings,
    sessions: new Sessions(settings),
    passwords: new PasswordChecks(settings.users),
    attempts: new Attempts(),
    identityProvider,
    pendingSignIns: new PendingSignIns(),
    gatewayTokens: settings.gatewayTokens
      ? signedTokens(settings.gatewayTokens)
      : forwardedTokens(identityProvider!),
  };
}
