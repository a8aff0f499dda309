'use client';

import { useView } from '../chrome/view.tsx';
import { weekOf } from './week.ts';

export interface WeekMapProps {
  /** The hours that had calls, as instants. */
  readonly hours: readonly { readonly at: number; readonly value: number }[];
  say(value: number): string;
}

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** Hours against weekdays: the darker, the more on average. A table, so that every number can be read. */
export function WeekMap({ hours, say }: WeekMapProps) {
  const { words, formats } = useView();
  const week = weekOf(hours, formats.weekHour);
  const most = Math.max(...week.flat(), Number.MIN_VALUE);
  return (
    <div className="week-scroll" tabIndex={0} role="group" aria-label={words.pictures.weekLabel}>
      <table className="week">
        <thead>
          <tr>
            <td />
            {HOURS.map((hour) => (
              <th key={hour} scope="col">
                {hour}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {week.map((day, weekday) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the seven days never change places
            <tr key={weekday}>
              <th scope="row">{formats.weekday(weekday)}</th>
              {day.map((value, hour) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: nor do the hours
                  key={hour}
                  style={{ '--part': value / most } as React.CSSProperties}
                  data-hint={`${formats.weekday(weekday)} ${hour}:00 – ${say(value)}`}
                >
                  <span className="for-ears">{say(value)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
