'use client';

import { useState } from 'react';
import { useAnswer } from '../asking/use-answer.ts';
import type { Call } from '../calls/call-list.ts';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { isText } from '../filter/gateway-limits.ts';
import { MAX_TIME, MIN_TIME } from '../filter/time-range.ts';
import type { CallContextQueryVariables } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { Outcome } from '../table/columns.tsx';

/** On each side of the call. */
const NEIGHBOURS = 3;
/** As far as neighbours are looked for: a number that is rarely called would be looked for through all the years. */
const REACH_MILLIS = 24 * 3_600_000;

/** What the same number did just before and after, within a day. */
export function CallContext({ call, onOpen }: { readonly call: Call; onOpen(id: string): void }) {
  const { words, formats, user } = useView();
  const [side, setSide] = useState<'cld' | 'cli'>('cld');
  const number = call[side];
  const asked = useAnswer(operations.callContext, variablesOf(call, side, number ?? ''), {
    enabled: number !== null && number !== '' && isText(number) && hasNeighbours(call) && !user.masked,
  });
  if (user.masked) return null;
  const data = asked.isOld ? undefined : asked.answer?.data;
  const around = data
    ? [...nodesOf(data.before).reverse(), call, ...nodesOf(data.after)].filter(
        (other, index, all) => all.findIndex(({ id }) => id === other.id) === index,
      )
    : [];
  return (
    <section className="context" aria-busy={asked.isLoading}>
      <h3>{words.drawer.context}</h3>
      <fieldset className="segments">
        <legend className="for-ears">{words.drawer.contextOf}</legend>
        {(['cld', 'cli'] as const).map((choice) => (
          <label key={choice}>
            <input type="radio" name="context" checked={side === choice} onChange={() => setSide(choice)} />
            <span>{words.columns[choice]}</span>
          </label>
        ))}
      </fieldset>
      {asked.error !== null && <Trouble error={asked.error} retry={asked.retry} isSmall />}
      {data && around.length === 1 && <p className="aside">{words.drawer.noContext}</p>}
      <ol className="context-list">
        {around.length > 1 &&
          around.map((other) => (
            <li key={other.id} aria-current={other.id === call.id || undefined}>
              <button
                type="button"
                className="context-call"
                disabled={other.id === call.id}
                onClick={() => onOpen(other.id)}
              >
                <time dateTime={other.connectTime}>{formats.time(other.connectTime)}</time>
                <span className="number">{side === 'cld' ? other.cli : other.cld}</span>
                <span>{formats.clock(Number(other.durationSeconds ?? 0))}</span>
                <Outcome call={other} words={words} />
              </button>
            </li>
          ))}
      </ol>
    </section>
  );
}

/** A clock that was wrong: the gateway takes no such time. */
function hasNeighbours({ connectTime }: Call): boolean {
  const at = Date.parse(connectTime);
  return at > MIN_TIME && at < MAX_TIME;
}

function variablesOf(call: Call, side: 'cld' | 'cli', number: string): CallContextQueryVariables {
  const at = Date.parse(call.connectTime);
  const match = { accountIds: [call.accountId], [side]: { is: number } };
  const around = { from: Math.max(MIN_TIME, at - REACH_MILLIS), to: Math.min(MAX_TIME, at + REACH_MILLIS) };
  return {
    before: { ...match, from: new Date(around.from).toISOString(), to: call.connectTime },
    after: { ...match, from: call.connectTime, to: new Date(around.to).toISOString() },
    // One more after it: the call itself is the first of those.
    first: NEIGHBOURS + 1,
  };
}

function nodesOf({ nodes }: { readonly nodes: readonly (Call | null)[] }): Call[] {
  return nodes.filter((call) => call !== null);
}
