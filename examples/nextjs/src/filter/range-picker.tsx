'use client';

import dynamic from 'next/dynamic';
import { Icon } from '../chrome/icon.tsx';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import type { Question } from './question.ts';
import { lengthOf, type QuickRange, quickRangeNames, shiftRange, type TimeRange } from './time-range.ts';

const CustomRange = dynamic(() => import('./custom-range.tsx'), { ssr: false });

export interface RangePickerProps {
  readonly question: Question;
  readonly range: TimeRange;
  onQuick(range: QuickRange): void;
  onCustom(range: TimeRange): void;
  readonly isLive: boolean;
  onLive(): void;
  onRefresh(): void;
  /** In a narrow window: whether the other filters are shown. */
  readonly hasFilters: boolean;
  onFilters(): void;
}

/** Quick ranges, the window before and after, and any two times in the reader's zone. */
export function RangePicker({
  question,
  range,
  onQuick,
  onCustom,
  isLive,
  onLive,
  onRefresh,
  hasFilters,
  onFilters,
}: RangePickerProps) {
  const { words, formats } = useView();
  const isCustom = question.from !== null && question.to !== null;
  const { value, unit } = lengthOf(range);
  const shown = `${formats.minute(range.from)} – ${formats.minute(range.to)}`;
  const shift = (windows: -1 | 1) => onCustom(shiftRange(range, windows));
  const length = formats.length(value, unit);

  return (
    <div className="range">
      <button
        type="button"
        className="button button-icon"
        aria-label={fill(words.range.before, { length })}
        data-hint={fill(words.range.before, { length })}
        onClick={() => shift(-1)}
      >
        <Icon name="left" />
      </button>
      <fieldset className="segments" id="quick-ranges">
        <legend className="for-ears">{words.range.title}</legend>
        {quickRangeNames.map((name) => (
          <label key={name} data-hint={words.range.quick[name]}>
            <input
              type="radio"
              name="range"
              checked={!isCustom && question.range === name}
              onChange={() => onQuick(name)}
              onClick={() => onQuick(name)}
              aria-label={words.range.quick[name]}
            />
            <span>{words.range.short[name]}</span>
          </label>
        ))}
      </fieldset>
      <Popup
        label={`${words.range.custom}: ${shown}`}
        buttonId="range-button"
        className={`button${isCustom ? ' button-on' : ''}`}
        face={
          <>
            <Icon name="clock" />
            <span className="range-shown">{shown}</span>
          </>
        }
      >
        {(close) => (
          <CustomRange
            range={range}
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
        aria-label={fill(words.range.after, { length })}
        data-hint={fill(words.range.after, { length })}
        onClick={() => shift(1)}
      >
        <Icon name="right" />
      </button>
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
    </div>
  );
}
