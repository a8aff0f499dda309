'use client';

import { useNames } from '../accounts/account-names.tsx';
import { Icon } from '../chrome/icon.tsx';
import { useView, type View } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import { filterParts, type PageQuery } from './page-query.ts';
import { partsOfWeekHour, type WeekHour } from './week-hours.ts';

export interface ChipsProps {
  readonly query: PageQuery;
  onChange(change: Partial<PageQuery>): void;
  onClear(): void;
}

interface Chip {
  readonly key: string;
  readonly text: string;
  readonly isExcluded: boolean;
  readonly without: Partial<PageQuery>;
}

/** What is filtered by, each part to be taken away by a click. Nothing when there is none. */
export function Chips({ query, onChange, onClear }: ChipsProps) {
  const view = useView();
  const { words, formats } = view;
  const names = useNames([...query.account, ...query.notAccount], query.customer);
  const chips = chipsOf(query, view, names);
  if (query.from !== null && query.to !== null) {
    chips.unshift({
      key: 'range',
      text: fill(words.range.chip, {
        from: formats.minute(+query.from),
        to: formats.minute(+query.to),
      }),
      isExcluded: false,
      without: { from: null, to: null },
    });
  }
  if (chips.length === 0) return null;
  return (
    <ul className="chips" aria-label={words.filters.active}>
      {chips.map(({ key, text, isExcluded, without }) => (
        <li key={key}>
          <button
            type="button"
            className={isExcluded ? 'chip chip-excluded' : 'chip'}
            data-chip={key}
            aria-label={`${words.filters.remove}: ${text}`}
            onClick={() => onChange(without)}
          >
            {text}
            <Icon name="close" />
          </button>
        </li>
      ))}
      <li>
        <button type="button" className="button-bare" onClick={onClear}>
          {words.filters.clear}
        </button>
      </li>
    </ul>
  );
}

/** `33608…`: what is open behind a number that begins so. */
function beginningOf(text: string): string {
  return text.replace(/(?<=^\+?\d+)\*$/, '…');
}

function chipsOf(query: PageQuery, { words, formats }: View, names: ReturnType<typeof useNames>): Chip[] {
  const f = words.filters;
  const lists = {
    outcome: { name: f.result, say: (value: string) => words.outcomes[value as keyof typeof words.outcomes] },
    cause: { name: words.columns.disconnectCause, say: String },
    country: { name: words.columns.country, say: formats.country },
    prefix: { name: words.columns.prefix, say: String },
    account: { name: words.columns.accountId, say: names.account },
    customer: { name: words.columns.customerId, say: names.customer },
    search: { name: f.search, say: beginningOf },
  } as const;
  const excluded = {
    notOutcome: 'outcome',
    notCause: 'cause',
    notCountry: 'country',
    notPrefix: 'prefix',
    notAccount: 'account',
  } as const;
  const single: Readonly<Record<string, (value: never) => string>> = {
    weekHour: (name: WeekHour) => weekHourText(name, formats),
    type: (type: PageQuery['type']) => words.types[type],
    cli: (text: string) => `${words.columns.cli}: ${text}`,
    cld: (text: string) => `${words.columns.cld}: ${text}`,
    callId: (text: string) => `${words.columns.callId}: ${text}`,
    ip: (text: string) => `${words.columns.remoteIp}: ${text}`,
    min: (seconds: number) => `${f.min}: ${seconds}`,
    max: (seconds: number) => `${f.max}: ${seconds}`,
  };

  return filterParts.flatMap((part): Chip[] => {
    const value = query[part];
    if (Array.isArray(value)) {
      if (value.length === 0) return [];
      const isExcluded = part in excluded;
      const dimension =
        lists[isExcluded ? excluded[part as keyof typeof excluded] : (part as keyof typeof lists)];
      const said = value.map((one) => dimension.say(String(one))).join(', ');
      const template = isExcluded ? f.chipWithout : f.chipOnly;
      return [
        {
          key: part,
          text: fill(template, { name: dimension.name, value: said }),
          isExcluded,
          without: { [part]: [] },
        },
      ];
    }
    if (value === null || value === '' || value === 'ALL') return [];
    const isText = part === 'cli' || part === 'cld' || part === 'ip' || part === 'callId';
    const without = { [part]: part === 'type' ? 'ALL' : isText ? '' : null };
    return [{ key: part, text: single[part]!(value as never), isExcluded: false, without }];
  });
}

/** `Tue 9:00 – 10:00` */
function weekHourText(name: WeekHour, formats: View['formats']): string {
  const { weekday, hour } = partsOfWeekHour(name);
  return `${formats.weekday(weekday)} ${hour}:00 – ${hour + 1}:00`;
}
