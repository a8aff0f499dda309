'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { AskError } from '../asking/ask-error.ts';
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
  /** Where a stream that broke off goes on; null when it has to begin again. */
  readonly resumeAfter: string | null;
}

export interface StreamControls {
  readonly streamed: Streamed | undefined;
  /** Everything behind the cursor, `wanted` calls at most. A stream that broke off goes on where it ended. */
  start(listed: Listed, after: string | null, wanted: number): Promise<void>;
  cancel(): void;
}

/** One streamed answer at a time; a new one ends the one before, and so does leaving the page. */
export function useStream(): StreamControls {
  const [streamed, setStreamed] = useState<Streamed>();
  const latest = useRef<Streamed>(undefined);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const start = useCallback(async (listed: Listed, after: string | null, wanted: number) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    const key = JSON.stringify(listed);
    const [{ readStream }, { StreamedCalls }] = await Promise.all([
      import('./read-stream.ts'),
      import('./streamed-calls.ts'),
    ]);
    const before = latest.current;
    const goesOn = before?.key === key && before.resumeAfter !== null;
    const calls = goesOn ? before.calls : new StreamedCalls();
    const show = (kind: StreamState['kind'], error?: unknown, resumeAfter: string | null = null) => {
      if (running.current !== controller) return;
      latest.current = { key, calls, state: { kind, rows: calls.length, wanted, error }, resumeAfter };
      setStreamed(latest.current);
    };

    show('running');
    try {
      const end = await readStream({
        variables: {
          filter: listed.filter,
          orderBy: listed.order,
          first: wanted - calls.length,
          after: goesOn ? before.resumeAfter : after,
        },
        into: calls,
        maxStaleness: listed.maxStaleness,
        signal: controller.signal,
        onProgress: () => show('running'),
      });
      if (end.kind === 'whole') show('whole');
      else
        show(
          'brokenOff',
          new AskError('The list broke off.', { code: end.code, retryable: true }),
          end.resumeAfter,
        );
    } catch (error) {
      show(controller.signal.aborted ? 'cancelled' : 'brokenOff', error);
    }
  }, []);

  const cancel = useCallback(() => running.current?.abort(), []);
  return { streamed, start, cancel };
}
