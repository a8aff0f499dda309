'use client';

import { useEffect, useRef, useState } from 'react';
import { askCarriers, MAX_NUMBERS } from '../carriers/ask-carriers.ts';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { asCurl, asGraphql } from '../drawer/copies.ts';
import CopyButtons from '../drawer/copy-buttons.tsx';
import type { CallExportQueryVariables, CdrFilter, CdrOrder } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import type { ColumnId } from '../table/columns.tsx';
import { fill } from '../words/fill.ts';
import { type CarrierSink, withCarriers } from './carrier-columns.ts';
import { downloadCalls } from './download-calls.ts';
import { exportName, exportVariables } from './export-variables.ts';
import { type FileSink, openFileSink } from './file-sink.ts';

export interface ExportDialogProps {
  readonly filter: CdrFilter;
  readonly order: CdrOrder;
  readonly shown: readonly ColumnId[];
  /** How many calls to expect; null when nobody knows. */
  readonly expected: number | null;
  readonly isEstimate: boolean;
  /** Ceiling of one answer. */
  readonly most: number;
  onClose(): void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'running'; readonly rows: number }
  | { readonly kind: 'done'; readonly rows: number; readonly missed: number }
  | { readonly kind: 'cancelled'; readonly rows: number }
  | { readonly kind: 'failed'; readonly rows: number; readonly error: unknown };

/** The whole list as one CSV file, streamed from the standby to the disk, with what has been written so far. */
export default function ExportDialog({ onClose, ...given }: ExportDialogProps) {
  const { words, formats, user } = useView();
  // What it was opened for, whatever the page comes to show behind it.
  const [{ filter, order, shown, most, ...opened }] = useState(given);
  const isSame = JSON.stringify([filter, order]) === JSON.stringify([given.filter, given.order]);
  const { expected, isEstimate } = isSame ? given : opened;
  const dialog = useRef<HTMLDialogElement>(null);
  const running = useRef<AbortController>(undefined);
  const [columns, setColumns] = useState<'all' | 'shown'>('all');
  const [state, setState] = useState<State>({ kind: 'ready' });
  const variables = exportVariables({ filter, order, most, columns: columns === 'all' ? undefined : shown });
  const hasCarriers = columns === 'all' || shown.includes('carrier');
  const w = words.export;

  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal();
    return () => running.current?.abort();
  }, []);

  const start = async () => {
    // First of all: the browser asks for a file only right after a click.
    const sink = await openFileSink(exportName(filter));
    if (!sink) return;
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    const carriers = hasCarriers ? addingCarriers(sink, signal) : undefined;
    let rows = 0;
    setState({ kind: 'running', rows });
    try {
      rows = await downloadCalls({
        variables,
        sink: carriers ?? sink,
        signal,
        onProgress: (now) => {
          rows = now;
          setState({ kind: 'running', rows });
        },
      });
      setState({ kind: 'done', rows, missed: carriers?.missed ?? 0 });
    } catch (error) {
      setState(signal.aborted ? { kind: 'cancelled', rows } : { kind: 'failed', rows, error });
    }
  };

  const isRunning = state.kind === 'running';
  const total = expected === null ? null : Math.min(expected, most);
  const said = (count: number) => formats.count(count);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby="export-title"
      onClose={onClose}
      // Escape ends a running export before it closes the dialog.
      onCancel={(event) => {
        if (!isRunning) return;
        event.preventDefault();
        running.current?.abort();
      }}
    >
      <header>
        <h2 id="export-title">{w.title}</h2>
        <button
          type="button"
          className="button button-icon"
          aria-label={words.close}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <p>
        {expected === null
          ? w.unknownSize
          : fill(isEstimate ? w.estimatedSize : w.size, { n: said(expected) })}
        {expected !== null && expected > most && ` ${fill(w.ceiling, { n: said(most) })}`}
      </p>
      <fieldset className="segments" disabled={isRunning}>
        <legend>{w.columns}</legend>
        {(['all', 'shown'] as const).map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name="export-columns"
              checked={columns === choice}
              onChange={() => setColumns(choice)}
            />
            <span>{choice === 'all' ? w.allColumns : w.shownColumns}</span>
          </label>
        ))}
      </fieldset>
      <p className="aside">{w.format}</p>
      {state.kind !== 'ready' && (
        <div className="export-progress" data-export={state.kind} data-rows={state.rows}>
          <progress
            aria-label={w.title}
            max={total ?? undefined}
            value={
              state.kind === 'done' ? (total ?? 1) : total === null ? undefined : Math.min(state.rows, total)
            }
          />
          <p role="status">
            {state.kind === 'running' &&
              (total === null
                ? fill(w.rows, { n: said(state.rows) })
                : fill(w.rowsOf, { n: said(state.rows), total: said(total) }))}
            {state.kind === 'done' && fill(w.done, { n: said(state.rows) })}
            {state.kind === 'done' && state.missed > 0 && ` ${fill(w.missed, { n: said(state.missed) })}`}
            {state.kind === 'cancelled' && fill(w.cancelled, { n: said(state.rows) })}
            {state.kind === 'failed' && fill(w.failed, { n: said(state.rows) })}
          </p>
        </div>
      )}
      {state.kind === 'failed' && <Trouble error={state.error} retry={start} />}
      <footer>
        <a className="button button-plain" href={plainLink(variables, user.name)} download>
          {w.plain}
        </a>
        {isRunning ? (
          <button type="button" className="button" onClick={() => running.current?.abort()}>
            {w.cancel}
          </button>
        ) : (
          <button type="button" className="button button-main" onClick={start}>
            <Icon name="download" />
            {w.start}
          </button>
        )}
      </footer>
      <CopyButtons
        items={[
          {
            name: 'curl',
            text: () => asCurl(operations.callExport, variables, 'text/csv'),
          },
          { name: 'graphql', text: () => asGraphql(operations.callExport, variables) },
        ]}
      />
    </dialog>
  );
}

function addingCarriers(sink: FileSink, signal: AbortSignal): CarrierSink {
  return withCarriers({ sink, ask: (numbers) => askCarriers(numbers, signal), batch: MAX_NUMBERS });
}

/** The browser's own download: no progress of ours, and no limit but the disk. */
function plainLink(variables: CallExportQueryVariables, user: string): string {
  return `/api/export?${new URLSearchParams({ user, variables: JSON.stringify(variables) })}`;
}
