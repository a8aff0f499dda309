'use client';

import { Icon } from '../chrome/icon.tsx';

/** The page itself broke, or a part of it could not be fetched. In both languages: which one is not known here. */
export default function PageError({ reset }: { readonly error: Error; readonly reset: () => void }) {
  return (
    <main className="page-error">
      <div className="trouble trouble-refused" role="alert">
        <Icon name="warning" />
        <p>
          <strong>This page could not be shown.</strong>{' '}
          <span lang="fr">Cette page n’a pas pu être affichée.</span>
        </p>
        <button type="button" className="button" onClick={reset}>
          Retry · <span lang="fr">Réessayer</span>
        </button>
      </div>
    </main>
  );
}
