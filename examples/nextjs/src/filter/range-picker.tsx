'use client';

import dynamic from 'next/dynamic';
import { Icon } from '../chrome/icon.tsx';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import { rangeWithin } from './gateway-limits.ts';
import type { PageQuery } from './page-query.ts';
import { shiftRange } from './period.ts';
import {
  isCalendarRange,
  lengthOf,
  type MovingRange,
  quickRangeNames,
  type TimeRange,
} from './time-range.ts';

const CustomRange = dynamic(() => import('./custom-range.tsx'), { ssr: false });

export interface RangePickerProps {
  readonly query: PageQuery;
  readonly range: TimeRange;
  onQuick(range: MovingRange): void;
  onCustom(range: TimeRange): void;
  readonly isLive: boolean;
  onLive(): void;
  onRefresh(): void;
  /** In a narrow window: whether the other filters are shown. */
  readonly hasFilters: boolean;
  onFilters(): void;
}

/** Quick ranges, the window before and after, and any two times in the reader's zone. */
export function RangePicker(props: RangePickerProps) {
  const { query, range, onQuick, onCustom } = props;
  const { words, formats } = useView();
  const isCustom = query.from !== null && query.to !== null;
  const calendar = !isCustom && isCalendarRange(query.range) ? query.range : null;
  const shown = `${formats.minute(range.from)} – ${formats.minute(range.to)}`;
  const windows = {
    before: shiftRange(range, -1, query.range, formats.zone),
    after: shiftRange(range, 1, query.range, formats.zone),
  };
  const parts = { before: rangeWithin(windows.before), after: rangeWithin(windows.after) };
  const say = (window: 'before' | 'after') => {
    const { value, unit } = lengthOf(windows[window]);
    return fill(words.range[window], { length: formats.length(value, unit) });
  };

  return (
    <div className="range">
      <button
        type="button"
        className="button button-icon"
        aria-label={say('before')}
        data-hint={say('before')}
        disabled={!parts.before}
        onClick={() => parts.before && onCustom(parts.before)}
      >
        <Icon name="left" />
      </button>
      <QuickRanges chosen={isCustom ? null : query.range} onQuick={onQuick} />
      <Popup
        label={`${words.range.custom}: ${calendar ? `${words.range.calendar[calendar]} ` : ''}${shown}`}
        buttonId="range-button"
        className={`button${isCustom || calendar ? ' button-on' : ''}`}
        face={
          <>
            <Icon name="clock" />
            {calendar && <strong className="range-name">{words.range.calendar[calendar]}</strong>}{' '}
            <span className="range-shown">{shown}</span>
          </>
        }
      >
        {(close) => (
          <CustomRange
            range={range}
            calendar={calendar}
            onCalendar={(name) => {
              onQuick(name);
              close();
            }}
            onApply={(custom) => {
              onCustom(custom);
              close();
            }}
          />
        )}
      </Popup>
      <button
        type="button"
        className="button button-icon"
        aria-label={say('after')}
        data-hint={say('after')}
        disabled={!parts.after}
        onClick={() => parts.after && onCustom(parts.after)}
      >
        <Icon name="right" />
      </button>
      <RangeEnd {...props} />
    </div>
  );
}

interface QuickRangesProps {
  readonly chosen: MovingRange | null;
  onQuick(range: MovingRange): void;
}

function QuickRanges({ chosen, onQuick }: QuickRangesProps) {
  const { words } = useView();
  return (
    <fieldset className="segments" id="quick-ranges">
      <legend className="for-ears">{words.range.title}</legend>
      {quickRangeNames.map((name) => (
        <label key={name} data-hint={words.range.quick[name]}>
          <input
            type="radio"
            name="range"
            checked={chosen === name}
            onChange={() => onQuick(name)}
            onClick={() => onQuick(name)}
            aria-label={words.range.quick[name]}
          />
          <span>{words.range.short[name]}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** What is done with the range: other filters, again, live. */
function RangeEnd({ isLive, onLive, onRefresh, hasFilters, onFilters }: RangePickerProps) {
  const { words } = useView();
  return (
    <div className="range-end">
      <button
        type="button"
        className={`button button-plain only-small${hasFilters ? ' button-on' : ''}`}
        id="fold-button"
        aria-expanded={hasFilters}
        aria-controls="filters"
        onClick={onFilters}
      >
        <Icon name="filter" />
        {words.filters.active}
      </button>
      <button
        type="button"
        className="button button-plain"
        id="refresh-button"
        onClick={onRefresh}
        data-hint={words.toolbar.refreshHint}
      >
        <Icon name="refresh" />
        <span className="word">{words.toolbar.refresh}</span>
      </button>
      <button
        type="button"
        className={`button button-plain${isLive ? ' button-live' : ''}`}
        id="live-button"
        aria-pressed={isLive}
        onClick={onLive}
        data-hint={words.toolbar.liveHint}
      >
        <Icon name={isLive ? 'pause' : 'live'} />
        {isLive ? words.toolbar.liveOn : words.toolbar.live}
      </button>
    </div>
  );
}
