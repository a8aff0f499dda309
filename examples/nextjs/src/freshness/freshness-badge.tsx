'use client';

import dynamic from 'next/dynamic';
import type { ReplicaInfo } from '../asking/execute.ts';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import type { FreshnessQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { fill } from '../words/fill.ts';
import { levelOf } from './level.ts';

const EVERY_MILLIS = 5000;

const FreshnessPanel = dynamic(() => import('./freshness-panel.tsx'), { ssr: false });

export interface FreshnessProps {
  /** Of the list's last answer. */
  readonly replica: ReplicaInfo | null;
  readonly status: Asked<FreshnessQuery>;
  readonly maxStaleness: number | null;
  onDemand(seconds: number | null): void;
}

/** Asked every few seconds while the tab is looked at: also how the page learns that the gateway is back. */
export function useFreshness(): Asked<FreshnessQuery> {
  return useAnswer(operations.freshness, {} as never, { everyMillis: EVERY_MILLIS });
}

/** As of when, how old at most, and from which standby: amber and red by threshold, and never silent. */
export function FreshnessBadge({ replica, status, maxStaleness, onDemand }: FreshnessProps) {
  const { words, formats, amberSeconds, redSeconds } = useView();
  const replicas = status.answer?.data.replicationStatus.replicas ?? [];
  const answering = replicas.find(({ name }) => name === replica?.name);
  // Since the answer the standby may have fallen behind.
  const seconds =
    status.error === null && answering ? answering.lagSeconds : (replica?.stalenessSeconds ?? null);
  const level = status.error !== null ? 'red' : levelOf(seconds, { amberSeconds, redSeconds });
  const f = words.freshness;
  const asOf = replica?.asOf
    ? fill(f.asOf, { time: formats.clockTime(Date.parse(replica.asOf)) })
    : f.asOfUnknown;
  const age = seconds === null ? f.ageUnknown : fill(f.age, { age: formats.seconds(seconds) });
  const text = status.error !== null ? `${asOf} · ${f.unreachable}` : `${asOf} · ${age}`;

  return (
    <Popup
      label={`${f.title}: ${text}${replica ? ` · ${replica.name}` : ''}`}
      className={`badge badge-${level}`}
      hint={f.hint}
      face={
        <span data-freshness={level}>
          {text}
          {replica && <span className="badge-name"> · {replica.name}</span>}
        </span>
      }
    >
      {() => <FreshnessPanel status={status} maxStaleness={maxStaleness} onDemand={onDemand} />}
    </Popup>
  );
}
