'use client';

import { type FormEvent, useState } from 'react';
import { errorAt } from '../asking/execute.ts';
import type { Asked } from '../asking/use-answer.ts';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import type { PageQuery } from '../filter/page-query.ts';
import type { FacetRowsFragment, TilesQuery } from '../generated/graphql.ts';
import { type CellFilter, excludable } from '../table/cell-filter.ts';
import { meaningOf } from '../words/causes.ts';
import { fill } from '../words/fill.ts';
import { useAccounts } from './use-accounts.ts';
import { type FacetPart, facetParts, mostValues } from './use-sums.ts';

type FacetRow = FacetRowsFragment['rows'][number];

const facetValueOf = {
  outcome: (row: FacetRow) => row.outcome,
  country: (row: FacetRow) => row.country,
  cause: (row: FacetRow) => (row.disconnectCause === null ? null : String(row.disconnectCause)),
  account: (row: FacetRow) => row.accountId,
} as const;

/** Values of a facet before more of them are wanted. */
const SHOWN = 10;
/** What can be sought in a facet without being listed, for it has more values than a list shows. */
const isExact: Readonly<Record<FacetPart, RegExp>> = {
  outcome: /(?!)/,
  country: /(?!)/,
  cause: /^-?\d{1,9}$/,
  account: /^\d{1,19}$/,
};

export interface FacetsProps {
  readonly query: PageQuery;
  /** Answered together with the sums, so that they add up; what is wrong with them is said there. */
  readonly asked: Asked<TilesQuery>;
  /** Those of which more values are wanted. */
  readonly opened: readonly FacetPart[];
  onOpen(part: FacetPart, isOpen: boolean): void;
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

function Facet({
  part,
  query,
  asked,
  opened,
  onOpen,
  onFilter,
  onUnfilter,
}: FacetsProps & { part: FacetPart }) {
  const { words } = useView();
  const [sought, setSought] = useState('');
  const data = asked.answer?.data;
  const counted = data?.[part];
  const isOpen = opened.includes(part);
  const rows = counted?.rows ?? [];
  const known = rows.filter((row) => facetValueOf[part](row) !== null);
  const say = useSaid(part, known);
  // All that the values are counted among: where the part is not filtered by, what the sums are of.
  const total = Number((counted?.totals ?? data?.cdrStats.totals)?.attempts ?? 0);
  const filtered = [...query[part], ...query[excludable[part]]].length > 0;
  const found = known.filter((row) => {
    const value = facetValueOf[part](row)!;
    return !isOpen || isFound(`${say(value)} ${value}`, sought);
  });
  const close = () => {
    setSought('');
    onOpen(part, false);
  };

  return (
    <section
      className="facet"
      aria-busy={asked.isLoading}
      data-facet={part}
      data-opened={isOpen || undefined}
    >
      <h3>
        {words.facets[part]}
        {filtered && (
          <button type="button" className="button-bare" onClick={() => onUnfilter(part)}>
            {words.filters.all}
          </button>
        )}
      </h3>
      {counted === null && <Trouble error={errorAt(asked.answer, part)} retry={asked.retry} isSmall />}
      {isOpen && (
        <Search
          part={part}
          sought={sought}
          isListed={found.length > 0}
          onSeek={setSought}
          onExact={(value) => onFilter({ part, value }, false)}
        />
      )}
      <ul>
        {found.slice(0, isOpen ? undefined : SHOWN).map((row) => (
          <FacetValue
            key={facetValueOf[part](row)}
            part={part}
            value={facetValueOf[part](row)!}
            said={say(facetValueOf[part](row)!)}
            attempts={Number(row.attempts)}
            total={total}
            query={query}
            onFilter={onFilter}
          />
        ))}
      </ul>
      {counted && found.length === 0 && <p className="aside">{words.facets.none}</p>}
      {isOpen && rows.length >= mostValues(part) && (
        <p className="aside">{fill(words.facets.most, { n: String(mostValues(part)) })}</p>
      )}
      {(isOpen || rows.length >= SHOWN) && (
        <More part={part} isOpen={isOpen} onToggle={() => (isOpen ? close() : onOpen(part, true))} />
      )}
    </section>
  );
}

function More({ part, isOpen, onToggle }: { part: FacetPart; isOpen: boolean; onToggle(): void }) {
  const { words } = useView();
  const text = isOpen ? words.facets.less : words.facets.more;
  return (
    <button
      type="button"
      className="button-bare facet-more"
      aria-expanded={isOpen}
      aria-label={`${text}: ${words.facets[part]}`}
      onClick={onToggle}
    >
      {text}
    </button>
  );
}

/** What a value is called. */
function useSaid(part: FacetPart, rows: readonly FacetRow[]): (value: string) => string {
  const { words, formats } = useView();
  const { byId: accounts } = useAccounts(part === 'account' ? rows.map(({ accountId }) => accountId!) : []);
  return (value) => {
    if (part === 'outcome') return words.outcomes[value as keyof typeof words.outcomes];
    if (part === 'account') return [value, accounts.get(value)?.username].filter(Boolean).join(' · ');
    if (part === 'country') return formats.country(value);
    if (part === 'cause') return `${value} ${words.causes.known[value as '16'] ?? ''}`;
    return value;
  };
}

/** By any part of it, however its letters are written. */
export function isFound(said: string, sought: string): boolean {
  return plain(said).includes(plain(sought.trim()));
}

function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

interface SearchProps {
  readonly part: FacetPart;
  readonly sought: string;
  readonly isListed: boolean;
  onSeek(text: string): void;
  /** A value that is not listed. */
  onExact(value: string): void;
}

function Search({ part, sought, isListed, onSeek, onExact }: SearchProps) {
  const { words } = useView();
  const label = `${words.facets.seek}: ${words.facets[part]}`;
  const exact = sought.trim();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isListed && isExact[part].test(exact)) onExact(exact);
  };
  return (
    <form onSubmit={submit}>
      <input
        type="search"
        className="facet-search"
        value={sought}
        maxLength={60}
        placeholder={words.facets.seek}
        aria-label={label}
        onChange={(event) => onSeek(event.target.value)}
      />
    </form>
  );
}

interface ValueProps {
  readonly part: FacetPart;
  readonly value: string;
  readonly said: string;
  readonly attempts: number;
  readonly total: number;
  readonly query: PageQuery;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
}

function FacetValue({ part, value, said, attempts, total, query, onFilter }: ValueProps) {
  const { words, formats } = useView();
  const wanted: readonly (string | number)[] = query[part];
  const unwanted: readonly (string | number)[] = query[excludable[part]];
  const share = total > 0 ? (100 * attempts) / total : 0;
  return (
    <li data-off={unwanted.map(String).includes(value) || undefined}>
      <button
        type="button"
        className="facet-value"
        aria-pressed={wanted.map(String).includes(value)}
        data-hint={[
          part === 'cause' ? meaningOf(Number(value), words) : said,
          fill(words.facets.share, { n: formats.count(attempts), share: formats.percent(share) }),
        ].join(' – ')}
        onClick={() => onFilter({ part, value }, false)}
      >
        <span className="facet-bar" style={{ width: `${share}%` }} />
        <span className={part === 'outcome' ? `facet-name outcome outcome-${value}` : 'facet-name'}>
          {said}
        </span>
        <span className="facet-count">{formats.shortCount(attempts)}</span>
        <span className="facet-share">{formats.percent(share)}</span>
      </button>
      <button
        type="button"
        className="button-bare facet-exclude"
        aria-label={`${words.table.without}: ${said}`}
        data-hint={words.table.without}
        onClick={() => onFilter({ part, value }, true)}
      >
        <Icon name="exclude" />
      </button>
    </li>
  );
}
