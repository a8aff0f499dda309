'use client';

import dynamic from 'next/dynamic';
import { troubleKind } from '../asking/ask-error.ts';
import type { Freshness } from '../asking/execute.ts';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { Popup } from '../chrome/popup.tsx';
import { useNow } from '../chrome/use-now.ts';
import { useView } from '../chrome/view.tsx';
import type { Demand } from '../filter/page-query.ts';
import type { FreshnessQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { fill } from '../words/fill.ts';
import { ageOf, presentLag, shownAge } from './age.ts';
import { type Level, levelOf } from './level.ts';

/** So that a warning is gone within five seconds after its cause. */
const EVERY_MILLIS = 2000;

const FreshnessPanel = dynamic(() => import('./freshness-panel.tsx'), { ssr: false });

export interface FreshnessProps {
  /** Of the calls that are shown. */
  readonly freshness: Freshness | undefined;
  readonly status: Asked<FreshnessQuery>;
  readonly maxStaleness: number | null;
  onDemand(seconds: Demand | null): void;
}

/** Asked every few seconds while the tab is looked at: also how the page learns that the gateway is back. */
export function useFreshness(): Asked<FreshnessQuery> {
  return useAnswer(operations.freshness, {} as never, { everyMillis: EVERY_MILLIS });
}

/**
 * As of when the calls are that are shown, how old they are at most by now, and from which standby. Its colour is the
 * standbys' present state: it warns while a new answer would be old, and stops by itself.
 */
export function FreshnessBadge({ freshness, status, maxStaleness, onDemand }: FreshnessProps) {
  const { words, formats } = useView();
  const now = useNow();
  const level = useLevel(freshness, status);
  const f = words.freshness;
  const replica = freshness?.replica;
  const asOf = replica?.asOf
    ? fill(f.asOf, { time: formats.clockTime(Date.parse(replica.asOf)) })
    : f.asOfUnknown;
  const seconds = freshness ? ageOf(freshness, now) : null;
  const age = seconds === null ? f.ageUnknown : fill(f.age, { age: formats.seconds(shownAge(seconds)) });
  const text = `${asOf} · ${status.error === null ? age : f.trouble[troubleKind(status.error)]}`;

  return (
    <Popup
      label={`${f.title}: ${text}${replica?.name ? ` · ${replica.name}` : ''}`}
      className={`badge badge-${level}`}
      hint={f.hint}
      face={
        <span data-freshness={level}>
          {text}
          {replica?.name && <span className="badge-name"> · {replica.name}</span>}
        </span>
      }
    >
      {() => <FreshnessPanel status={status} maxStaleness={maxStaleness} onDemand={onDemand} />}
    </Popup>
  );
}

function useLevel(freshness: Freshness | undefined, { answer, error }: Asked<FreshnessQuery>): Level {
  const { amberSeconds, redSeconds } = useView();
  // Nothing is known of the standbys by who is signed out, and nothing is wrong with them.
  if (error !== null) return troubleKind(error) === 'signedOut' ? 'unknown' : 'red';
  const replica = freshness?.replica;
  const lag = answer ? presentLag(answer.data.replicationStatus, replica?.name) : replica?.stalenessSeconds;
  return levelOf(lag, { amberSeconds, redSeconds });
}
