'use client';

import { useView } from '../chrome/view.tsx';
import { outcomes, type PageQuery, type ResultGroup, resultGroups } from './page-query.ts';

interface OutcomeChoicesProps {
  readonly query: PageQuery;
  onChange(change: Partial<PageQuery>): void;
}

/** The outcomes by what ended the attempt; a group is chosen as a whole or by its parts. */
export default function OutcomeChoices({ query, onChange }: OutcomeChoicesProps) {
  const { words } = useView();
  const chosen = query.outcome;
  const set = (names: readonly PageQuery['outcome'][number][], isOn: boolean) => {
    const next = outcomes.filter((name) => (names.includes(name) ? isOn : chosen.includes(name)));
    onChange({ outcome: next.length === outcomes.length ? [] : next, notOutcome: [] });
  };
  return (
    <div className="choices">
      {(Object.keys(resultGroups) as ResultGroup[]).map((group) => {
        const members: readonly PageQuery['outcome'][number][] = resultGroups[group];
        const on = members.filter((name) => chosen.includes(name)).length;
        return (
          <fieldset key={group}>
            <legend>
              <label className="choice choice-group">
                <input
                  type="checkbox"
                  checked={on === members.length}
                  ref={(box) => {
                    if (box) box.indeterminate = on > 0 && on < members.length;
                  }}
                  onChange={(event) => set(members, event.target.checked)}
                />
                {words.groups[group]}
              </label>
            </legend>
            {members.length > 1 &&
              members.map((name) => (
                <label key={name} className="choice">
                  <input
                    type="checkbox"
                    checked={chosen.includes(name)}
                    onChange={(event) => set([name], event.target.checked)}
                  />
                  <span className={`outcome outcome-${name}`}>{words.outcomes[name]}</span>
                </label>
              ))}
          </fieldset>
        );
      })}
    </div>
  );
}
