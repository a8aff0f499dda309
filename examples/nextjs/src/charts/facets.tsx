'use client';

import { errorAt } from '../asking/execute.ts';
import type { Asked } from '../asking/use-answer.ts';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import type { Question } from '../filter/question.ts';
import type { FacetRowsFragment, TilesQuery } from '../generated/graphql.ts';
import { type CellFilter, excludable } from '../table/cell-filter.ts';
import { meaningOf } from '../words/causes.ts';
import { useAccounts } from './use-accounts.ts';
import { type FacetPart, facetParts } from './use-sums.ts';

type FacetRow = FacetRowsFragment['rows'][number];

const facetValueOf = {
  outcome: (row: FacetRow) => row.outcome,
  country: (row: FacetRow) => row.country,
  cause: (row: FacetRow) => (row.disconnectCause === null ? null : String(row.disconnectCause)),
  account: (row: FacetRow) => row.accountId,
} as const;

export interface FacetsProps {
  readonly question: Question;
  /** Answered together with the sums, so that they add up; what is wrong with them is said there. */
  readonly asked: Asked<TilesQuery>;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
  onUnfilter(part: FacetPart): void;
}

/** What the calls have in common, counted; asked for only while the panel is open, for each costs the gateway a count. */
export default function Facets(props: FacetsProps) {
  const { words, user } = useView();
  const { isOld } = props.asked;
  return (
    <aside className="facets" aria-label={words.facets.title} data-old={isOld || undefined}>
      {facetParts(user.role).map((part) => (
        <Facet key={part} part={part} {...props} />
      ))}
    </aside>
  );
}

function Facet({ part, question, asked, onFilter, onUnfilter }: FacetsProps & { part: FacetPart }) {
  const { words, formats } = useView();
  const counted = asked.answer?.data[part];
  const rows = (counted?.rows ?? []).filter((row) => facetValueOf[part](row) !== null);
  const { byId: accounts } = useAccounts(part === 'account' ? rows.map(({ accountId }) => accountId!) : []);
  const most = Math.max(1, ...rows.map(({ attempts }) => Number(attempts)));
  const wanted: readonly (string | number)[] = question[part];
  const unwanted: readonly (string | number)[] = question[excludable[part]];
  const isActive = wanted.length + unwanted.length > 0;
  const say = (value: string) => {
    if (part === 'outcome') return words.outcomes[value as keyof typeof words.outcomes];
    if (part === 'account') return [value, accounts.get(value)?.username].filter(Boolean).join(' · ');
    if (part === 'cause') return `${value} ${words.causes.known[value as '16'] ?? ''}`;
    return value;
  };

  return (
    <section className="facet" aria-busy={asked.isLoading} data-facet={part}>
      <h3>
        {words.facets[part]}
        {isActive && (
          <button type="button" className="button-bare" onClick={() => onUnfilter(part)}>
            {words.filters.all}
          </button>
        )}
      </h3>
      {counted === null && <Trouble error={errorAt(asked.answer, part)} retry={asked.retry} isSmall />}
      <ul>
        {rows.map((row) => {
          const value = facetValueOf[part](row)!;
          const isOn = wanted.map(String).includes(value);
          const isOff = unwanted.map(String).includes(value);
          return (
            <li key={value} data-off={isOff || undefined}>
              <button
                type="button"
                className="facet-value"
                aria-pressed={isOn}
                data-hint={part === 'cause' ? meaningOf(Number(value), words) : undefined}
                onClick={() => onFilter({ part, value }, false)}
              >
                <span className="facet-bar" style={{ width: `${(100 * Number(row.attempts)) / most}%` }} />
                <span className={part === 'outcome' ? `facet-name outcome outcome-${value}` : 'facet-name'}>
                  {say(value)}
                </span>
                <span className="facet-count">{formats.shortCount(Number(row.attempts))}</span>
              </button>
              <button
                type="button"
                className="button-bare facet-exclude"
                aria-label={`${words.table.without}: ${say(value)}`}
                data-hint={words.table.without}
                onClick={() => onFilter({ part, value }, true)}
              >
                <Icon name="exclude" />
              </button>
            </li>
          );
        })}
      </ul>
      {counted && rows.length === 0 && <p className="aside">{words.facets.none}</p>}
    </section>
  );
}
