'use client';

import { Icon } from '../chrome/icon.tsx';
import { useView, type View } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import { filterParts, type Question } from './question.ts';

export interface ChipsProps {
  readonly question: Question;
  onChange(change: Partial<Question>): void;
  onClear(): void;
}

interface Chip {
  readonly key: string;
  readonly text: string;
  readonly isExcluded: boolean;
  readonly without: Partial<Question>;
}

/** What is filtered by, each part to be taken away by a click. Nothing when there is none. */
export function Chips({ question, onChange, onClear }: ChipsProps) {
  const view = useView();
  const { words, formats } = view;
  const chips = chipsOf(question, view);
  if (question.from !== null && question.to !== null) {
    chips.unshift({
      key: 'range',
      text: fill(words.range.chip, {
        from: formats.minute(+question.from),
        to: formats.minute(+question.to),
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

function chipsOf(question: Question, { words }: View): Chip[] {
  const f = words.filters;
  const lists = {
    outcome: { name: f.result, say: (value: string) => words.outcomes[value as keyof typeof words.outcomes] },
    cause: { name: words.columns.disconnectCause, say: String },
    country: { name: words.columns.country, say: String },
    prefix: { name: words.columns.prefix, say: String },
    account: { name: words.columns.accountId, say: String },
    customer: { name: words.columns.customerId, say: String },
  } as const;
  const excluded = {
    notOutcome: 'outcome',
    notCause: 'cause',
    notCountry: 'country',
    notPrefix: 'prefix',
    notAccount: 'account',
  } as const;
  const single: Readonly<Record<string, (value: never) => string>> = {
    type: (type: Question['type']) => words.types[type],
    cli: (text: string) => `${words.columns.cli}: ${text}`,
    cld: (text: string) => `${words.columns.cld}: ${text}`,
    callId: (text: string) => `${words.columns.callId}: ${text}`,
    ip: (text: string) => `${words.columns.remoteIp}: ${text}`,
    min: (seconds: number) => `${f.min}: ${seconds}`,
    max: (seconds: number) => `${f.max}: ${seconds}`,
  };

  return filterParts.flatMap((part): Chip[] => {
    const value = question[part];
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
