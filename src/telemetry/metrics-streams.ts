import { Counter, Gauge, type Registry } from 'prom-client';
import type { RequestFacts } from '../http/request-facts.ts';

export interface StreamMetrics {
  /** Counts a stream as running until `finished` settles. */
  note(finished: Promise<unknown>): void;
  noteEnd(facts: Pick<RequestFacts, 'finished' | 'rows' | 'bytes'>): void;
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
      const stream = { since: now() };
      const forget = () => running.delete(stream);
      running.add(stream);
      finished.then(forget, forget);
    },
    noteEnd(facts) {
      if (!facts.finished) return;
      rows.inc(facts.rows ?? 0);
      bytes.inc(facts.bytes ?? 0);
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
