'use client';

import type { Asked } from '../asking/use-answer.ts';
import { GatewayWords } from '../chrome/gateway-words.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { type Demand, demands } from '../filter/page-query.ts';
import type { FreshnessQuery } from '../generated/graphql.ts';
import { fill } from '../words/fill.ts';
import { shownAge } from './age.ts';
import { type Level, levelOf } from './level.ts';

type Primary = NonNullable<FreshnessQuery['replicationStatus']['primary']>;

const primaryLevels: Readonly<Record<Primary['status'], Level>> = {
  AVAILABLE: 'good',
  SILENT: 'amber',
  STARTING: 'amber',
  UNKNOWN: 'unknown',
  NOT_PRIMARY: 'red',
  SPLIT_BRAIN: 'red',
  UNREACHABLE: 'red',
};

export interface FreshnessPanelProps {
  readonly status: Asked<FreshnessQuery>;
  readonly maxStaleness: number | null;
  onDemand(seconds: Demand | null): void;
}

/** Each standby with its lag, and how old an answer may be. */
export default function FreshnessPanel({ status, maxStaleness, onDemand }: FreshnessPanelProps) {
  const { words, formats, amberSeconds, redSeconds } = useView();
  const { replicas = [], primary } = status.answer?.data.replicationStatus ?? {};
  const f = words.freshness;
  return (
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
                {f.states[state]} <GatewayWords text={reason} />
              </td>
              <td>
                <span className={`dot dot-${levelOf(lagSeconds, { amberSeconds, redSeconds })}`} />
                {lagSeconds === null ? f.ageUnknown : `≤ ${formats.seconds(shownAge(lagSeconds))}`}
              </td>
            </tr>
          ))}
          {primary && <PrimaryRow primary={primary} />}
        </tbody>
      </table>
      <label className="field">
        <span>{f.demand}</span>
        <select
          value={maxStaleness ?? ''}
          onChange={({ target }) =>
            onDemand(demands.find((demand) => String(demand) === target.value) ?? null)
          }
        >
          <option value="">{f.anyAge}</option>
          {demands.map((demand) => (
            <option key={demand} value={demand}>
              {fill(f.atMost, { age: formats.length(demand, 'second') })}
            </option>
          ))}
        </select>
      </label>
      <p className="aside">
        {fill(f.thresholds, { amber: formats.seconds(amberSeconds), red: formats.seconds(redSeconds) })}
      </p>
    </div>
  );
}

/** The server that the standbys follow. No call is read from it; without it they grow old. */
function PrimaryRow({ primary }: { readonly primary: Primary }) {
  const { words, formats } = useView();
  const { status, reason, silenceSeconds } = primary;
  const f = words.freshness;
  return (
    <tr data-primary={status}>
      <th scope="row">{f.primary}</th>
      <td>
        {f.primaryStates[status]} <GatewayWords text={reason} />
      </td>
      <td>
        <span className={`dot dot-${primaryLevels[status]}`} />
        {silenceSeconds === null
          ? f.neverHeard
          : fill(f.heard, { age: formats.seconds(shownAge(silenceSeconds)) })}
      </td>
    </tr>
  );
}
