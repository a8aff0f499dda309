import { askForLines } from '../asking/execute.ts';
import type { CallStreamQueryVariables } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import type { StreamedCalls } from './streamed-calls.ts';

/** How a stream of calls ended; a cursor to go on after where it broke off and the gateway could say so. */
export type StreamEnd =
  | { readonly kind: 'whole' }
  | { readonly kind: 'brokenOff'; readonly code: string; readonly resumeAfter: string | null };

export interface StreamOptions {
  readonly variables: CallStreamQueryVariables;
  readonly into: StreamedCalls;
  readonly maxStaleness: number | null;
  readonly signal: AbortSignal;
  /** Told when there are more calls, some ten times a second. */
  onProgress(): void;
}

const PROGRESS_MILLIS = 100;

/** Appends the calls of one streamed answer. Throws AskError when it does not even begin, or the signal's reason. */
export async function readStream({
  variables,
  into,
  maxStaleness,
  signal,
  onProgress,
}: StreamOptions): Promise<StreamEnd> {
  into.dropUnfinished();
  const response = await askForLines(operations.callStream, variables, {
    accept: 'application/x-ndjson',
    signal,
    maxStaleness,
  });
  const reader = response.body.getReader();
  let told = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      into.append(value);
      if (performance.now() - told < PROGRESS_MILLIS) continue;
      told = performance.now();
      onProgress();
    }
  } catch (error) {
    into.dropUnfinished();
    if (signal.aborted) throw error;
    return { kind: 'brokenOff', code: 'GATEWAY_UNREACHABLE', resumeAfter: null };
  }
  const last = into.at(into.length - 1) as { error?: unknown } | undefined;
  return last?.error ? endOf(into.takeLastLine()!) : { kind: 'whole' };
}

/** The gateway ends a list that does not hold everything with a line that no call can be. */
function endOf(line: string): StreamEnd {
  const { error } = JSON.parse(line) as { error: { code: string; resumeAfter: string | null } };
  // Nothing broke: some calls or values are stored in a way that nobody can show.
  if (error.code === 'UNREADABLE_VALUE') return { kind: 'whole' };
  return { kind: 'brokenOff', code: error.code, resumeAfter: error.resumeAfter };
}
