'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { gateway } from '../asking/execute.ts';
import * as operations from '../generated/operations.ts';
import type { Listed } from './ask-page.ts';
import type { StreamedCalls } from './streamed-calls.ts';

export interface StreamState {
  readonly kind: 'running' | 'whole' | 'brokenOff' | 'cancelled';
  readonly rows: number;
  /** Calls that were asked for at most: when they all came, there may be more. */
  readonly wanted: number;
  readonly error: unknown;
}

/** What was streamed behind the pages of the list with the key. */
export interface Streamed {
  readonly key: string;
  readonly calls: StreamedCalls;
  readonly state: StreamState;
  /** Where a stream that broke off for good goes on. */
  readonly cursor: string | null;
}

export interface StreamControls {
  readonly streamed: Streamed | undefined;
  /** Everything behind the cursor, `wanted` calls at most. A stream that broke off goes on where it ended. */
  start(listed: Listed, after: string | null, wanted: number): Promise<void>;
  cancel(): void;
}

const PROGRESS_MILLIS = 100;

/** One stream at a time; a new one ends the one before, and so does leaving the page. */
export function useStream(): StreamControls {
  const [streamed, setStreamed] = useState<Streamed>();
  const latest = useRef<Streamed>(undefined);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const start = useCallback(async (listed: Listed, after: string | null, wanted: number) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const { signal } = controller;
    const key = JSON.stringify(listed);
    const { StreamedCalls } = await import('./streamed-calls.ts');
    const before = latest.current?.key === key ? latest.current : undefined;
    const goesOn = before?.state.kind === 'brokenOff';
    const calls = goesOn ? before.calls : new StreamedCalls();
    const stream = gateway.streamCalls(
      operations.callStream,
      {
        filter: listed.filter,
        orderBy: listed.order,
        first: wanted - calls.length,
        after: goesOn ? before.cursor : after,
      },
      { signal, maxStalenessSeconds: listed.maxStaleness },
    );
    const show = (kind: StreamState['kind'], error?: unknown) => {
      if (running.current !== controller) return;
      const { cursor } = stream;
      latest.current = { key, calls, state: { kind, rows: calls.length, wanted, error }, cursor };
      setStreamed(latest.current);
    };

    show('running');
    let shown = performance.now();
    try {
      for await (const lines of stream.lines()) {
        calls.append(lines);
        if (performance.now() - shown < PROGRESS_MILLIS) continue;
        shown = performance.now();
        show('running');
      }
      show('whole');
    } catch (error) {
      show(signal.aborted ? 'cancelled' : 'brokenOff', error);
    }
  }, []);

  const cancel = useCallback(() => running.current?.abort(), []);
  return { streamed, start, cancel };
}
