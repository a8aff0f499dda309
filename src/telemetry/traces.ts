import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { EndedRequest } from '../http/request-facts.ts';
import { describeSpan, parseTraceparent } from './request-span.ts';
import type { TraceSettings } from './settings.ts';

export interface TracesOptions extends TraceSettings {
  readonly version: string;
  readonly logger: Logger;
}

/** Spans of requests, sent to a collector a batch at a time. */
export interface Traces {
  /** Of every request, when it has been answered to the last byte. Waits for nothing, and never throws. */
  note(ended: EndedRequest): void;
  /** Sends what is left, for so long at most. */
  close(millis: number): Promise<void>;
}

/** A collector is near, or of no use: what it does not take by then is lost. */
const EXPORT_MILLIS = 3000;
/** A batch is sent after a second, or when it is full; what comes when the queue is full too is dropped. */
const batches = {
  scheduledDelayMillis: 1000,
  maxExportBatchSize: 512,
  maxQueueSize: 2048,
  exportTimeoutMillis: EXPORT_MILLIS + 1000,
};

const samplers: Readonly<Record<TraceSettings['sampler'], (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

/** A pipeline of its own, not OpenTelemetry's global one: two gateways in one process trace apart. */
export function createTraces(options: TracesOptions): Traces {
  const { url, headers, serviceName, sampler, ratio, version, logger } = options;
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: EXPORT_MILLIS });
  const resource = resourceFromAttributes({
    'service.name': serviceName,
    'service.version': version,
    'service.instance.id': randomUUID(),
    'host.name': hostname(),
  });
  const provider = new TracerProvider({
    resource: defaultResource().merge(resource),
    sampler: samplers[sampler](ratio),
    spanProcessors: [new BatchSpanProcessor({ exporter: logFailures(exporter, logger), ...batches })],
  });
  const tracer = provider.getTracer('cdr-gateway', version);

  return {
    note(ended) {
      const described = describeSpan(ended);
      if (!described) return;
      const { name, attributes, failure } = described;
      const end = Date.now();
      const parent = parseTraceparent(ended.facts.request.headers.get('traceparent'));
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, startTime: end - ended.millis, attributes },
        parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
      );
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      span.end(end);
    },
    async close(millis) {
      const flushed = provider.shutdown().catch(() => {});
      await Promise.race([flushed, delay(millis, undefined, { ref: false })]);
    },
  };
}

/** Logs once that the collector fails, however often it does, and once that it works again. */
function logFailures(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== 0;
        if (failed && !isFailing) {
          logger.warn({ err: result.error }, 'the collector takes no traces; requests are answered without');
        } else if (!failed && isFailing) logger.info('the collector takes traces again');
        isFailing = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
