import { useView } from '../chrome/view.tsx';
import { type StatsGroup, type StatsTime, statsGroups, statsTimes } from './stats-sheet.ts';

export interface SegmentsProps<Value extends string> {
  readonly name: string;
  readonly legend: string;
  readonly values: readonly Value[];
  readonly labels: Readonly<Record<Value, string>>;
  readonly chosen: Value;
  readonly isDisabled: boolean;
  onChoose(value: Value): void;
}

/** One of a few. */
export function Segments<Value extends string>(props: SegmentsProps<Value>) {
  const { name, legend, values, labels, chosen, isDisabled, onChoose } = props;
  return (
    <fieldset className="segments" disabled={isDisabled}>
      <legend>{legend}</legend>
      {values.map((value) => (
        <label key={value}>
          <input type="radio" name={name} checked={value === chosen} onChange={() => onChoose(value)} />
          <span>{labels[value]}</span>
        </label>
      ))}
    </fieldset>
  );
}

export interface StatsChoicesProps {
  readonly time: StatsTime;
  readonly group: StatsGroup;
  readonly isDisabled: boolean;
  onTime(time: StatsTime): void;
  onGroup(group: StatsGroup): void;
}

/** What statistics are grouped by. */
export function StatsChoices({ time, group, isDisabled, onTime, onGroup }: StatsChoicesProps) {
  const { words } = useView();
  const w = words.export;
  return (
    <div className="export-groups">
      <label className="field">
        <span>{w.time}</span>
        <select
          value={time}
          disabled={isDisabled}
          onChange={({ target }) => onTime(target.value as StatsTime)}
        >
          {statsTimes.map((name) => (
            <option key={name} value={name}>
              {w.times[name]}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{w.group}</span>
        <select
          value={group}
          disabled={isDisabled}
          onChange={({ target }) => onGroup(target.value as StatsGroup)}
        >
          {statsGroups.map((name) => (
            <option key={name} value={name}>
              {w.groups[name]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
