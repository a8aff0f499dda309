'use client';

import { type FormEvent, useState } from 'react';
import { Icon } from '../chrome/icon.tsx';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import type { Question } from './question.ts';
import { lengthOf, type QuickRange, quickRangeNames, shiftRange, type TimeRange } from './time-range.ts';
import { localTextOf, timeOfLocalText } from './zoned-time.ts';

export interface RangePickerProps {
  readonly question: Question;
  readonly range: TimeRange;
  onQuick(range: QuickRange): void;
  onCustom(range: TimeRange): void;
  readonly isLive: boolean;
  onLive(): void;
  onRefresh(): void;
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
          className="button button-plain"
          id="refresh-button"
          onClick={onRefresh}
          data-hint={words.toolbar.refreshHint}
        >
          <Icon name="refresh" />
          {words.toolbar.refresh}
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

function CustomRange({ range, onApply }: { readonly range: TimeRange; onApply(range: TimeRange): void }) {
  const { words, formats } = useView();
  const [from, setFrom] = useState(localTextOf(range.from, formats.zone));
  const [to, setTo] = useState(localTextOf(range.to, formats.zone));
  const [start, end] = [timeOfLocalText(from, formats.zone), timeOfLocalText(to, formats.zone)];
  const problem =
    start === undefined || end === undefined ? words.range.noTime : start >= end ? words.range.inverted : '';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!problem) onApply({ from: start!, to: end! });
  };
  return (
    <form className="custom-range" onSubmit={submit}>
      <label className="field">
        <span>{words.range.from}</span>
        <input
          type="datetime-local"
          step={1}
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
      </label>
      <label className="field">
        <span>{words.range.to}</span>
        <input type="datetime-local" step={1} value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <p className="aside">{fill(words.range.inZone, { zone: formats.zoneLabel(range.to) })}</p>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" className="button button-main" disabled={problem !== ''}>
        {words.range.apply}
      </button>
    </form>
  );
}
