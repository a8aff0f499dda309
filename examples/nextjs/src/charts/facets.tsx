'use client';

import { useAnswer } from '../asking/use-answer.ts';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { cdrFilterOf, type KnownValues, nothingKnown, withoutDimension } from '../filter/cdr-filter.ts';
import type { Question } from '../filter/question.ts';
import type { TimeRange } from '../filter/time-range.ts';
import type { CdrDimension, FacetQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { type CellFilter, excludable } from '../table/cell-filter.ts';
import { meaningOf } from '../words/causes.ts';
import { useAccounts } from './use-accounts.ts';

type FacetPart = 'outcome' | 'country' | 'cause' | 'account';
type FacetRow = NonNullable<FacetQuery['cdrStats']>['rows'][number];

const dimensions = {
  outcome: 'OUTCOME',
  country: 'COUNTRY',
  cause: 'DISCONNECT_CAUSE',
  account: 'ACCOUNT',
} as const satisfies Record<FacetPart, CdrDimension>;

const facetValueOf = {
  outcome: (row: FacetRow) => row.outcome,
  country: (row: FacetRow) => row.country,
  cause: (row: FacetRow) => (row.disconnectCause === null ? null : String(row.disconnectCause)),
  account: (row: FacetRow) => row.accountId,
} as const;

const SHOWN = 10;

export interface FacetsProps {
  readonly question: Question;
  readonly range: TimeRange;
  readonly known: KnownValues | undefined;
  /** The sums are there: counting may begin. */
  readonly isReady: boolean;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
  onUnfilter(part: FacetPart): void;
}

/** What the calls have in common, counted; made only while the panel is open, for each costs the gateway a count. */
export default function Facets(props: FacetsProps) {
  const { words, user } = useView();
  const parts: readonly FacetPart[] =
    user.role === 'admin' ? ['outcome', 'country', 'cause', 'account'] : ['outcome', 'country', 'cause'];
  return (
    <aside className="facets" aria-label={words.facets.title}>
      {parts.map((part) => (
        <Facet key={part} part={part} {...props} />
      ))}
    </aside>
  );
}

function Facet({
  part,
  question,
  range,
  known = nothingKnown,
  isReady,
  onFilter,
  onUnfilter,
}: FacetsProps & { part: FacetPart }) {
  const { words, formats } = useView();
  // Among all values, so that another one can be chosen: its own filter does not count.
  const filter = cdrFilterOf(withoutDimension(question, part), range, known);
  const asked = useAnswer(
    operations.facet,
    { filter, by: dimensions[part], first: SHOWN },
    { enabled: isReady },
  );
  const rows = (asked.answer?.data.cdrStats.rows ?? []).filter((row) => facetValueOf[part](row) !== null);
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
      {asked.error !== null && <Trouble error={asked.error} retry={asked.retry} isSmall />}
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
      {asked.answer && rows.length === 0 && <p className="aside">{words.facets.none}</p>}
    </section>
  );
}
