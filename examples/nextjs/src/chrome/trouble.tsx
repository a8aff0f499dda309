'use client';

import { GatewayError } from 'cdr-gateway-client';
import { type TroubleKind, troubleKind } from '../asking/ask-error.ts';
import { fill } from '../words/fill.ts';
import { GatewayWords } from './gateway-words.tsx';
import { Icon, type IconName } from './icon.tsx';
import { useView } from './view.tsx';

const icons: Readonly<Record<TroubleKind, IconName>> = {
  down: 'plug',
  slow: 'hourglass',
  stale: 'clock',
  signedOut: 'user',
  refused: 'warning',
};

export interface TroubleProps {
  readonly error: unknown;
  retry(): void;
  /** What is still shown, and since when: `Calls of 10:57:03 stay.` */
  readonly kept?: string | undefined;
  /** In a tile or a picture: one line. */
  readonly isSmall?: boolean;
}

/** Why there is no answer, in words and a shape of its own, and what can be done. */
export function Trouble({ error, retry, kept, isSmall = false }: TroubleProps) {
  const { words } = useView();
  const kind = troubleKind(error);
  // Said once for the whole page, above the list.
  if (kind === 'signedOut' && isSmall) return null;
  return (
    <div
      className={`trouble trouble-${kind}${isSmall ? ' trouble-small' : ''}`}
      role="alert"
      data-trouble={kind}
    >
      <Icon name={icons[kind]} />
      <p>
        <strong>{words.trouble[kind]}</strong> {!isSmall && <TroubleDetail error={error} />}{' '}
        {!isSmall && kept}
      </p>
      {kind === 'signedOut' ? (
        <a className="button" href={signInLink()}>
          {words.signIn.button}
        </a>
      ) : (
        <button type="button" className="button" onClick={retry}>
          <Icon name="refresh" />
          {words.trouble.retry}
        </button>
      )}
    </div>
  );
}

function TroubleDetail({ error }: { readonly error: unknown }) {
  const { words, formats } = useView();
  if (!(error instanceof GatewayError)) return null;
  const { stalenessSeconds, etaSeconds } = error.details;
  if (error.code === 'REPLICA_TOO_STALE' && typeof stalenessSeconds === 'number') {
    const eta =
      typeof etaSeconds === 'number' ? fill(words.trouble.eta, { eta: formats.seconds(etaSeconds) }) : '';
    return `${fill(words.trouble.staleBy, { age: formats.seconds(stalenessSeconds) })} ${eta}`;
  }
  const kind = troubleKind(error);
  if (kind === 'refused') {
    return (
      <>
        <GatewayWords text={error.message} /> ({error.code})
      </>
    );
  }
  return words.trouble.detail[kind as keyof typeof words.trouble.detail];
}

/** Back to this very view after the sign-in. */
function signInLink(): string {
  return `/sign-in?next=${encodeURIComponent(window.location.pathname + window.location.search)}`;
}
