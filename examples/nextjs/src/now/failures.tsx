'use client';

import { useView } from '../chrome/view.tsx';
import { meaningOf } from '../words/causes.ts';
import type { RecentCall } from './call-window.ts';

export interface FailuresProps {
  readonly calls: readonly RecentCall[];
  accountName(id: string): string;
  onOpen(callId: string): void;
}

/** The latest calls that were not answered, each a way to everything that is known of it. */
export function Failures({ calls, accountName, onOpen }: FailuresProps) {
  const { words, formats } = useView();
  return (
    <section className="picture picture-wide" data-picture="failures">
      <h2>{words.now.failures}</h2>
      {calls.length === 0 ? (
        <p className="empty">{words.now.noFailures}</p>
      ) : (
        <ol className="failures">
          {calls.map(({ id, connectTime, accountId, cld, outcome, disconnectCause }) => (
            <li key={id}>
              <button type="button" className="failures-row" data-id={id} onClick={() => onOpen(id)}>
                <time dateTime={connectTime}>{formats.clockTime(Date.parse(connectTime))}</time>
                <span className="failures-number">{cld ?? words.unknown}</span>
                <span className={`outcome outcome-${outcome ?? 'UNKNOWN'}`}>
                  {words.outcomes[outcome ?? 'UNKNOWN']}
                </span>
                <span className="failures-cause">
                  {disconnectCause === null ? words.causes.none : meaningOf(disconnectCause, words)}
                </span>
                <span className="failures-account">{accountName(accountId)}</span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
