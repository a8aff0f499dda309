import { microsOfRfc3339 } from '../db/timestamps.ts';
import { BadRequestError, InvalidArgumentError, InvalidTimeRangeError } from '../errors.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { createInterpolation, type Interpolation, unquoteEmpty } from './interpolation.ts';
import { isObject, type JsonObject } from './json-object.ts';
import { type Pattern, parsePattern } from './pattern.ts';
import { type Payload, parsePayload } from './payload.ts';

/** One query of a panel. */
export interface Target {
  readonly refId: string;
  readonly metric: string;
  readonly payload: Payload;
}

/** One of the dashboard's ad hoc filters: the value is one of these or, when negative, none of them. */
export interface AdHocFilter {
  readonly key: string;
  readonly isNegative: boolean;
  readonly values: readonly string[];
  /** In the place of values: those that match it. */
  readonly pattern?: Pattern;
}

/** The body of a panel's request, as `/query` gets it. Unknown fields of it are ignored: Grafana adds some every year. */
export interface QueryRequest {
  readonly span: TimeSpan;
  readonly stepMillis: number;
  /** About the width of the panel in pixels. */
  readonly maxPoints: number;
  /** The dashboard's zone when it has a name; undefined when the browser decides. */
  readonly timeZone: string | undefined;
  readonly targets: readonly Target[];
  readonly filters: readonly AdHocFilter[];
}

const DEFAULT_POINTS = 500;
/** As many as Prometheus answers. */
export const MAX_POINTS = 11_000;
const MAX_TARGETS = 50;
const MAX_FILTERS = 50;
const DAY_MILLIS = 86_400_000;
/** Of PostgreSQL's timestamps and ours. */
const LATEST_MILLIS = Date.parse('2200-01-01T00:00:00Z');

/** An empty body is an empty object. Throws BadRequestError. */
export async function readBody(request: Request): Promise<JsonObject> {
  const text = await request.text();
  if (text.trim() === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadRequestError('The body is not JSON.');
  }
  if (isObject(body)) return body;
  throw new BadRequestError('The body must be a JSON object.');
}

/** Throws InvalidArgumentError or InvalidTimeRangeError, with a sentence that Grafana shows beside the panel. */
export function parseQueryRequest(body: JsonObject): QueryRequest {
  const span = parseSpan(body.range);
  const maxPoints = Math.min(positive(body.maxDataPoints) ?? DEFAULT_POINTS, MAX_POINTS);
  const stepMillis = Math.max(positive(body.intervalMs) ?? 0, (span.to - span.from) / maxPoints);
  return {
    span,
    maxPoints,
    stepMillis: Math.ceil(stepMillis),
    timeZone: parseTimeZone(body.timezone),
    targets: parseTargets(body.targets, createInterpolation(body.scopedVars)),
    filters: parseFilters(body.filters ?? body.adhocFilters),
  };
}

/** `{ from, to }`, each RFC 3339 or milliseconds since 1970. Throws InvalidTimeRangeError. */
export function parseSpan(range: unknown): TimeSpan {
  if (!isObject(range)) throw new InvalidTimeRangeError('"range" must be an object with "from" and "to".');
  const span = { from: parseInstant(range.from, 'range.from'), to: parseInstant(range.to, 'range.to') };
  if (span.from < span.to) return span;
  throw new InvalidTimeRangeError('"range.from" must be before "range.to".');
}

/** The range where there is one, otherwise the last day: requests for variables may lack it. */
export function parseSpanOrLastDay(range: unknown, now: number): TimeSpan {
  return range === undefined || range === null ? { from: now - DAY_MILLIS, to: now } : parseSpan(range);
}

/** Milliseconds since 1970. Throws InvalidTimeRangeError. */
export function parseInstant(value: unknown, where: string): number {
  const millis = parseMillis(value);
  if (millis === undefined) {
    throw new InvalidTimeRangeError(
      `"${where}" must be a time such as "2026-01-05T09:00:00.000Z", or milliseconds since 1970.`,
    );
  }
  if (millis >= 0 && millis <= LATEST_MILLIS) return millis;
  throw new InvalidTimeRangeError(`"${where}" must lie between 1970 and 2200.`);
}

function parseMillis(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.floor(value) : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^-?\d{1,16}$/.test(value)) return Number(value);
  const micros = microsOfRfc3339(value);
  return micros === undefined ? undefined : Math.floor(Number(micros) / 1000);
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 1 ? Math.floor(value) : undefined;
}

/** Grafana sends "browser" where no zone was chosen, and does not say which zone the browser is in. */
function parseTimeZone(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value === 'browser') return undefined;
  return /^utc$/i.test(value) ? 'UTC' : value;
}

function parseTargets(targets: unknown, interpolation: Interpolation): readonly Target[] {
  if (!Array.isArray(targets)) throw new InvalidArgumentError('"targets" must be a list.');
  if (targets.length > MAX_TARGETS) {
    throw new InvalidArgumentError(`"targets" may hold at most ${MAX_TARGETS} queries.`);
  }
  return targets
    .filter((target) => !(isObject(target) && target.hide === true))
    .map((target) => parseTarget(target, interpolation));
}

function parseTarget(target: unknown, interpolation: Interpolation): Target {
  if (!isObject(target)) throw new InvalidArgumentError('Every one of "targets" must be an object.');
  const refId = typeof target.refId === 'string' ? target.refId : '';
  const [metric = '', ...others] =
    typeof target.target === 'string' ? interpolation.valuesOfText(target.target, 'target') : [];
  if (metric === '') throw new InvalidArgumentError(`Query ${refId}: choose a metric.`);
  if (others.length > 0) throw new InvalidArgumentError(`Query ${refId}: choose one metric, not several.`);
  // Until 0.2 the plugin called it "data".
  const editor = target.editorMode === 'builder' ? 'builder' : 'code';
  const payload = parsePayload(target.payload ?? target.data, `Query ${refId}`, { interpolation, editor });
  return { refId, metric, payload };
}

type Comparison = 'value' | 'list' | 'pattern';

const operators: Readonly<Record<string, { isNegative: boolean; comparison: Comparison }>> = {
  '=': { isNegative: false, comparison: 'value' },
  '!=': { isNegative: true, comparison: 'value' },
  '=|': { isNegative: false, comparison: 'list' },
  '!=|': { isNegative: true, comparison: 'list' },
  '=~': { isNegative: false, comparison: 'pattern' },
  '!~': { isNegative: true, comparison: 'pattern' },
};

function parseFilters(filters: unknown): readonly AdHocFilter[] {
  if (filters === undefined || filters === null) return [];
  if (!Array.isArray(filters)) throw new InvalidArgumentError('"filters" must be a list.');
  if (filters.length > MAX_FILTERS) {
    throw new InvalidArgumentError(`"filters" may hold at most ${MAX_FILTERS} of them.`);
  }
  return filters.map(parseFilter);
}

function parseFilter(filter: unknown): AdHocFilter {
  const { key, operator, value, values } = isObject(filter) ? filter : {};
  if (typeof key !== 'string') throw new InvalidArgumentError('Every filter needs a "key".');
  const known = typeof operator === 'string' && Object.hasOwn(operators, operator);
  if (!known) {
    throw new InvalidArgumentError(
      `Filter "${key}": use one of the operators ${Object.keys(operators).join(' ')}.`,
    );
  }
  const { isNegative, comparison } = operators[operator]!;
  const given = comparison === 'list' && Array.isArray(values) && values.length > 0 ? values : [value];
  if (!given.every((one) => typeof one === 'string')) {
    throw new InvalidArgumentError(`Filter "${key}": its value must be a text.`);
  }
  if (comparison !== 'pattern') return { key, isNegative, values: given.map(unquoteEmpty) };
  return { key, isNegative, values: [], pattern: parsePattern(given[0]!, `Filter "${key}"`) };
}
