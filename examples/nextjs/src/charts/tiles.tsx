'use client';

import type { Asked } from '../asking/use-answer.ts';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import type { TilesQuery } from '../generated/graphql.ts';
import { fill } from '../words/fill.ts';
import { type Amount, byCalls, perMinute } from './amounts.ts';

type Totals = NonNullable<TilesQuery['cdrStats']>['totals'];

/** The sums of the filter, at a glance. They follow it, and say when they cannot. */
export function Tiles({ asked }: { readonly asked: Asked<TilesQuery> }) {
  const { words, formats } = useView();
  const totals = asked.answer?.data.cdrStats.totals;
  const isBusy = asked.isOld && asked.isLoading;

  return (
    <section className="tiles-frame" aria-label={words.tiles.title} aria-busy={isBusy}>
      {asked.error !== null && <Trouble error={asked.error} retry={asked.retry} isSmall />}
      <div className="tiles">
        {tilesOf(totals, words, formats).map(({ name, value, below, hint, ratio }) => (
          <div
            key={name}
            className="tile"
            data-tile={name}
            data-old={asked.isOld || undefined}
            data-hint={hint}
          >
            <h2>{words.tiles[name]}</h2>
            <p className="tile-value">{totals ? value : <span className="skeleton">000</span>}</p>
            <p className="tile-below">{totals ? below : <span className="skeleton">0000000</span>}</p>
            {ratio !== undefined && (
              <div className="tile-meter" aria-hidden="true">
                <div style={{ width: `${totals ? (ratio ?? 0) : 0}%` }} />
              </div>
            )}
          </div>
        ))}
      </div>
    </section>
  );
}

interface Tile {
  readonly name: 'calls' | 'success' | 'duration' | 'minutes' | 'cost';
  readonly value: string;
  readonly below: string;
  readonly hint: string;
  readonly ratio?: number | null;
}

function tilesOf(
  totals: Totals | undefined,
  words: ReturnType<typeof useView>['words'],
  formats: ReturnType<typeof useView>['formats'],
): readonly Tile[] {
  const t = totals ?? nothing;
  const w = words.tiles;
  return [
    {
      name: 'calls',
      value: formats.count(Number(t.attempts)),
      below: fill(w.callsBelow, {
        answered: formats.shortCount(Number(t.answered)),
        failed: formats.shortCount(Number(t.failed)),
      }),
      hint: w.callsHint,
    },
    {
      name: 'success',
      value: formats.percent(t.asr),
      below: fill(w.successBelow, { ner: formats.percent(t.ner) }),
      hint: w.successHint,
      ratio: t.asr,
    },
    {
      name: 'duration',
      value: formats.seconds(t.acdSeconds),
      below: fill(w.durationBelow, { pdd: formats.seconds(t.pddSeconds) }),
      hint: w.durationHint,
    },
    {
      name: 'minutes',
      value: formats.decimal(t.minutes, 0),
      below: fill(w.minutesBelow, { billed: formats.decimal(t.billedMinutes, 0) }),
      hint: w.minutesHint,
    },
    { name: 'cost', ...costOf(t, words, formats), hint: w.costHint },
  ];
}

/** One sum per currency, never one of several. */
function costOf(
  { amountsByCurrency, billedMinutes }: Totals,
  words: ReturnType<typeof useView>['words'],
  formats: ReturnType<typeof useView>['formats'],
): Pick<Tile, 'value' | 'below'> {
  const say = ({ chargedAmount, currency }: Amount) => formats.money(chargedAmount, currency);
  const [first, ...others] = byCalls(amountsByCurrency);
  if (!first) return { value: formats.money('0', null), below: ' ' };
  if (others.length > 0) return { value: say(first), below: others.map(say).join(' · ') };
  const rate = perMinute(amountsByCurrency, billedMinutes);
  return { value: say(first), below: fill(words.tiles.costPerMinute, { amount: rate ? say(rate) : '–' }) };
}

const nothing: Totals = {
  attempts: 0,
  answered: 0,
  failed: 0,
  asr: null,
  ner: null,
  acdSeconds: null,
  pddSeconds: null,
  minutes: '0',
  billedMinutes: '0',
  amountsByCurrency: [],
};
