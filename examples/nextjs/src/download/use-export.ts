import { useEffect, useRef, useState } from 'react';
import { useView } from '../chrome/view.tsx';
import { type ExportChoice, type Exported, openExport, writeExport } from './export-file.ts';

export type ExportState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'running'; readonly rows: number }
  | { readonly kind: 'done'; readonly rows: number; readonly exported: Exported }
  | { readonly kind: 'cancelled'; readonly rows: number }
  | { readonly kind: 'failed'; readonly rows: number; readonly error: unknown };

export interface RunningExport {
  readonly state: ExportState;
  start(): Promise<void>;
  cancel(): void;
}

/** One export at a time; it ends with the component. */
export function useExport(choice: ExportChoice): RunningExport {
  const { words, formats } = useView();
  const running = useRef<AbortController>(undefined);
  const [state, setState] = useState<ExportState>({ kind: 'ready' });
  useEffect(() => () => running.current?.abort(), []);

  const start = async () => {
    // First of all: the browser asks for a file only right after a click.
    const opening = openExport(choice);
    // How the export before ended is not how this one did.
    setState({ kind: 'ready' });
    const sink = await opening;
    if (!sink) return;
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    let rows = 0;
    const onProgress = (now: number) => {
      rows = now;
      setState({ kind: 'running', rows });
    };
    onProgress(0);
    try {
      const exported = await writeExport(choice, sink, { words, formats, signal, onProgress });
      setState({ kind: 'done', rows: exported.rows, exported });
    } catch (error) {
      setState(signal.aborted ? { kind: 'cancelled', rows } : { kind: 'failed', rows, error });
    }
  };
  return { state, start, cancel: () => running.current?.abort() };
}
