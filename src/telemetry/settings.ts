import { bearerToken, httpUrl, matching, oneOf, splitList, text } from '../settings/kinds.ts';
import {
  type Kind,
  optionalGroup,
  type Setting,
  settingGroup,
  UnexpectedTextError,
  type ValueOf,
} from '../settings/setting.ts';

/** As OpenTelemetry has them: name=value pairs, whose values are percent-encoded. */
const httpHeaders: Kind<Readonly<Record<string, string>>> = {
  expected: 'pairs such as api-key=secret, comma separated',
  parse(value) {
    const pairs = splitList(value).map((pair) => /^([\w-]+) *= *([\x21-\x7e]+)$/.exec(pair));
    try {
      return Object.fromEntries(pairs.map((pair) => [pair![1]!, decodeURIComponent(pair![2]!)]));
    } catch {
      throw new UnexpectedTextError(value);
    }
  },
};

const share = matching('a number from 0 to 1', /^(0|1|0?\.\d{1,9}|[01]\.0*)$/, Number);

/** The samplers of OpenTelemetry that need no other service. */
const traceSamplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

const endpoint = {
  name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  meaning:
    'Collector that takes traces of requests (OTLP over HTTP, as JSON; /v1/traces is added); none when unset',
  kind: httpUrl,
  mayHoldPassword: true,
  example: 'http://127.0.0.1:4318',
} as const satisfies Setting;

const tracesEndpoint = {
  name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  meaning: 'The same as a whole URL, to which nothing is added',
  kind: httpUrl,
  mayHoldPassword: true,
  example: 'http://127.0.0.1:4318/v1/traces',
} as const satisfies Setting;

/** What else is named OTEL_… is often there for other programs, and not looked at unless we are to trace. */
const traces = optionalGroup({
  isUsed: (isSet) => isSet(endpoint) || isSet(tracesEndpoint),
  title: 'Traces',
  members: {
    endpoint,
    tracesEndpoint,
    headers: {
      name: 'OTEL_EXPORTER_OTLP_HEADERS',
      meaning: 'Headers that the collector asks for, comma separated: name=value',
      kind: httpHeaders,
      secret: true,
    },
    serviceName: {
      name: 'OTEL_SERVICE_NAME',
      meaning: 'Name of the gateway in traces',
      kind: text,
      default: 'cdr-gateway',
    },
    sampler: {
      name: 'OTEL_TRACES_SAMPLER',
      meaning: `Which requests are traced: ${traceSamplers.join(', ')}`,
      kind: oneOf(...traceSamplers),
      default: 'parentbased_always_on',
    },
    /** From 0 to 1. */
    ratio: {
      name: 'OTEL_TRACES_SAMPLER_ARG',
      meaning: 'Share of requests that the samplers named traceidratio take, from 0 to 1',
      kind: share,
      default: '1',
    },
  },
  combine: ({ endpoint = '', tracesEndpoint, headers = {}, ...others }) => ({
    ...others,
    headers,
    /** Takes OTLP over HTTP, as JSON. */
    url: tracesEndpoint ?? `${endpoint.replace(/\/+$/, '')}/v1/traces`,
  }),
});

export const telemetrySettings = settingGroup({
  title: 'Log and metrics',
  members: {
    logLevel: {
      name: 'LOG_LEVEL',
      meaning: 'Least severe log lines to write',
      kind: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
      default: 'info',
    },
    metricsToken: {
      name: 'METRICS_TOKEN',
      meaning: 'Bearer token that a scrape of /metrics must carry; open when unset',
      kind: bearerToken,
      secret: true,
    },
    /** Undefined: nothing is traced. */
    traces,
  },
});

/** Where spans of requests are sent, and of which requests. */
export type TraceSettings = NonNullable<ValueOf<typeof traces>>;
