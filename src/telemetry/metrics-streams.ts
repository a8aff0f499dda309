import { Counter, Gauge, type Registry } from 'prom-client';
import type { EndedRequest } from './request-log.ts';

/** What is known of an answer that was sent as it was read. `bytes` are those of the body, before compression. */
export type EndedStream = Pick<EndedRequest, 'finished' | 'rows'> & { readonly bytes?: number };

export interface StreamMetrics {
  /** Counts a stream as running until `finished` settles; undefined is none. */
  note(finished: Promise<unknown> | undefined): void;
  noteEnd(ended: EndedStream): void;
  /** Before each scrape. */
  show(): void;
}

export function createStreamMetrics(registry: Registry, now = () => performance.now()): StreamMetrics {
  const registers = [registry];
  const running = new Set<{ readonly since: number }>();
  const active = new Gauge({
    name: 'gateway_active_streams',
    help: 'Answers that are being sent as they are read from a standby.',
    registers,
  });
  const oldest = new Gauge({
    name: 'gateway_oldest_stream_seconds',
    help: 'Since the longest of them began. Absent when there is none.',
    labelNames: [],
    registers,
  });
  const rows = new Counter({
    name: 'gateway_streamed_rows_total',
    help: 'Calls sent in such answers.',
    registers,
  });
  const bytes = new Counter({
    name: 'gateway_streamed_bytes_total',
    help: 'Bytes sent in such answers, before compression.',
    registers,
  });

  return {
    note(finished) {
      if (!finished) return;
      const stream = { since: now() };
      const forget = () => running.delete(stream);
      running.add(stream);
      finished.then(forget, forget);
    },
    noteEnd(ended) {
      if (!ended.finished) return;
      rows.inc(ended.rows ?? 0);
      bytes.inc(ended.bytes ?? 0);
    },
    show() {
      active.set(running.size);
      oldest.remove();
      // In the order in which they began.
      const [first] = running;
      if (first) oldest.set((now() - first.since) / 1000);
    },
  };
}
