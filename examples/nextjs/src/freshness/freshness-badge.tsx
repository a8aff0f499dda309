'use client';

import type { ReplicaInfo } from '../asking/execute.ts';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { Popup } from '../chrome/popup.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { FreshnessDocument, type FreshnessQuery } from '../generated/graphql.ts';
import { fill } from '../words/fill.ts';
import { levelOf } from './level.ts';

const EVERY_MILLIS = 5000;
/** What a reader may insist on, in seconds; null takes any age. */
const demands = [null, 1, 5, 30, 300] as const;

export interface FreshnessProps {
  /** Of the list's last answer. */
  readonly replica: ReplicaInfo | null;
  readonly status: Asked<FreshnessQuery>;
  readonly maxStaleness: number | null;
  onDemand(seconds: number | null): void;
}

/** Asked every few seconds while the tab is looked at: also how the page learns that the gateway is back. */
export function useFreshness(): Asked<FreshnessQuery> {
  return useAnswer(FreshnessDocument, {} as never, { everyMillis: EVERY_MILLIS });
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
      {() => (
        <div className="freshness">
          <h2>{f.title}</h2>
          <p>{f.explained}</p>
          {status.error !== null && <Trouble error={status.error} retry={status.retry} isSmall />}
          <table>
            <thead>
              <tr>
                <th scope="col">{f.standby}</th>
                <th scope="col">{f.state}</th>
                <th scope="col">{f.lag}</th>
              </tr>
            </thead>
            <tbody>
              {replicas.map(({ name, status: state, lagSeconds, reason }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>
                    {state.toLowerCase().replaceAll('_', ' ')}
                    {reason && <span className="aside"> {reason}</span>}
                  </td>
                  <td>
                    <span className={`dot dot-${levelOf(lagSeconds, { amberSeconds, redSeconds })}`} />
                    {lagSeconds === null ? f.ageUnknown : `≤ ${formats.seconds(lagSeconds)}`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <label className="field">
            <span>{f.demand}</span>
            <select
              value={maxStaleness ?? ''}
              onChange={(event) => onDemand(event.target.value === '' ? null : Number(event.target.value))}
            >
              {demands.map((demand) => (
                <option key={demand} value={demand ?? ''}>
                  {demand === null ? f.anyAge : fill(f.atMost, { age: formats.length(demand, 'second') })}
                </option>
              ))}
            </select>
          </label>
          <p className="aside">
            {fill(f.thresholds, { amber: formats.seconds(amberSeconds), red: formats.seconds(redSeconds) })}
          </p>
        </div>
      )}
    </Popup>
  );
}
