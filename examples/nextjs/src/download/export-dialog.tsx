'use client';

import { useEffect, useRef, useState } from 'react';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useView } from '../chrome/view.tsx';
import { asCurl, asGraphql } from '../drawer/copies.ts';
import CopyButtons from '../drawer/copy-buttons.tsx';
import type { CallExportQueryVariables, CdrFilter, CdrOrder } from '../generated/graphql.ts';
import type { ColumnId } from '../table/columns.tsx';
import { fill } from '../words/fill.ts';
import { Segments, StatsChoices } from './export-choices.tsx';
import { type ExportChoice, type ExportKind, exportKinds, operationOf } from './export-file.ts';
import { ExportProgress } from './export-progress.tsx';
import { exportVariables } from './export-variables.ts';
import type { StatsGroup, StatsTime } from './stats-sheet.ts';
import { useExport } from './use-export.ts';

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

/** The whole list, or sums of it, as one file: streamed from the standby to the disk, with what has been written so far. */
export default function ExportDialog({ onClose, ...given }: ExportDialogProps) {
  const { words, formats, user } = useView();
  // What it was opened for, whatever the page comes to show behind it.
  const [{ filter, order, shown, most, ...opened }] = useState(given);
  const isSame = JSON.stringify([filter, order]) === JSON.stringify([given.filter, given.order]);
  const { expected, isEstimate } = isSame ? given : opened;
  const dialog = useRef<HTMLDialogElement>(null);
  const [of, setOf] = useState<'calls' | 'stats'>('calls');
  const [kind, setKind] = useState<ExportKind>('plain');
  const [columns, setColumns] = useState<'all' | 'shown'>('all');
  const [time, setTime] = useState<StatsTime>('DAY');
  const [group, setGroup] = useState<StatsGroup>('ALL');
  const wanted = columns === 'all' ? undefined : shown;
  const choice: ExportChoice = {
    filter,
    order,
    most,
    kind,
    subject: of === 'calls' ? { of, columns: wanted } : { of, time, group },
  };
  const { state, start, cancel } = useExport(choice);
  const { operation, variables } = operationOf(choice, formats.zone);
  const w = words.export;

  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal();
  }, []);

  const isRunning = state.kind === 'running';
  const isOfCalls = of === 'calls';
  const total = expected === null || !isOfCalls ? null : Math.min(expected, most);
  const said = (count: number) => formats.count(count);
  const accept = kind === 'plain' ? 'text/csv' : 'application/x-ndjson';
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
        cancel();
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
        {isOfCalls && expected !== null && expected > most && ` ${fill(w.ceiling, { n: said(most) })}`}
      </p>
      <div className="export-choices">
        <Segments
          name="export-subject"
          legend={w.subject}
          values={['calls', 'stats'] as const}
          labels={w.subjects}
          chosen={of}
          isDisabled={isRunning}
          onChoose={(value) => setOf(value)}
        />
        {isOfCalls ? (
          <Segments
            name="export-columns"
            legend={w.columns}
            values={['all', 'shown'] as const}
            labels={{ all: w.allColumns, shown: w.shownColumns }}
            chosen={columns}
            isDisabled={isRunning}
            onChoose={(value) => setColumns(value)}
          />
        ) : (
          <StatsChoices
            time={time}
            group={group}
            isDisabled={isRunning}
            onTime={setTime}
            onGroup={setGroup}
          />
        )}
        <Segments
          name="export-kind"
          legend={w.kind}
          values={exportKinds}
          labels={w.kinds}
          chosen={kind}
          isDisabled={isRunning}
          onChoose={(value) => setKind(value)}
        />
      </div>
      <p className="aside">{fill(w.about[kind], { zone: formats.zone })}</p>
      {state.kind !== 'ready' && <ExportProgress state={state} total={total} isOfCalls={isOfCalls} />}
      {state.kind === 'failed' && <Trouble error={state.error} retry={start} />}
      <footer>
        {isOfCalls && kind === 'plain' && (
          <a
            className="button button-plain"
            href={plainLink(exportVariables({ filter, order, most, columns: wanted }), user.id)}
            download
          >
            {w.plain}
          </a>
        )}
        {isRunning ? (
          <button type="button" className="button" onClick={cancel}>
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
          { name: 'curl', text: () => asCurl(operation, variables, accept) },
          { name: 'graphql', text: () => asGraphql(operation, variables) },
        ]}
      />
    </dialog>
  );
}

/** The browser's own download: no progress of ours, and no limit but the disk. */
function plainLink(variables: CallExportQueryVariables, user: string): string {
  return `/api/export?${new URLSearchParams({ user, variables: JSON.stringify(variables) })}`;
}
