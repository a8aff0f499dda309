import { useView } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import type { Exported } from './export-file.ts';
import type { ExportState } from './use-export.ts';

export interface ExportProgressProps {
  readonly state: Exclude<ExportState, { readonly kind: 'ready' }>;
  /** Calls to expect; null when nobody knows. */
  readonly total: number | null;
  /** Whether the rows are calls. */
  readonly isOfCalls: boolean;
}

/** How far an export is, or how it ended and what it lacks. */
export function ExportProgress({ state, total, isOfCalls }: ExportProgressProps) {
  const { words, formats } = useView();
  const w = words.export;
  const { kind, rows } = state;
  const n = formats.count(rows);
  return (
    <div className="export-progress" data-export={kind} data-rows={rows}>
      <progress
        aria-label={w.title}
        max={total ?? undefined}
        value={kind === 'done' ? (total ?? 1) : total === null ? undefined : Math.min(rows, total)}
      />
      <p role="status">
        {kind === 'running' &&
          (total === null ? fill(w.rows, { n }) : fill(w.rowsOf, { n, total: formats.count(total) }))}
        {kind === 'done' && fill(isOfCalls ? w.done : w.groupsDone, { n })}
        {kind === 'cancelled' && fill(w.cancelled, { n })}
        {kind === 'failed' && fill(w.failed, { n })}
      </p>
      {kind === 'done' && <Lacks exported={state.exported} />}
    </div>
  );
}

/** What the file does not have, although it is finished. */
function Lacks({ exported: { unreadable, missed, shortened } }: { readonly exported: Exported }) {
  const { words, formats } = useView();
  const w = words.export;
  const isIncomplete = unreadable.calls + unreadable.values > 0;
  return (
    <>
      {isIncomplete && (
        <p role="alert" className="problem" data-incomplete>
          {fill(w.incomplete, {
            calls: formats.count(unreadable.calls),
            values: formats.count(unreadable.values),
          })}
        </p>
      )}
      {missed > 0 && <p className="aside">{fill(w.missed, { n: formats.count(missed) })}</p>}
      {shortened > 0 && <p className="aside">{fill(w.shortened, { n: formats.count(shortened) })}</p>}
    </>
  );
}
