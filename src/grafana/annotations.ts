import type { StatusChange, TimeSpan } from '../replicas/sample-history.ts';
import { replicaStates, stateTraits } from '../replicas/states.ts';
import type { GrafanaContext } from './context.ts';
import { type Column, type Frame, tableFrame } from './frames.ts';

/** A change of state as a mark on a graph; trouble lasts until the next change. */
export interface Annotation {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Null for a moment. */
  readonly timeEnd: number | null;
  readonly title: string;
  readonly text: string;
  readonly tags: readonly string[];
}

/** Oldest first. What began before the span and lasts into it is part of it. */
export function findAnnotations(
  replicas: readonly string[],
  { from, to }: TimeSpan,
  { history, now }: GrafanaContext,
): readonly Annotation[] {
  const changes = history
    .changes({ from: 0, to: now + 1 })
    .filter(({ replica }) => replicas.includes(replica));
  const nextChange = new Map<string, number>();
  const annotations = changes.toReversed().map((change) => {
    const annotation = describeChange(change, nextChange.get(change.replica) ?? now);
    nextChange.set(change.replica, change.at);
    return annotation;
  });
  return annotations.toReversed().filter(({ time, timeEnd }) => time < to && (timeEnd ?? time) >= from);
}

function describeChange({ replica, at, state, before, reason }: StatusChange, until: number): Annotation {
  const isWell = stateTraits[state].isWell;
  const since = before === null ? 'The gateway began to watch it.' : `It was ${before}.`;
  return {
    time: at,
    timeEnd: isWell ? null : until,
    title: `${replica}: ${state}`,
    text: `${reason ?? replicaStates[state]} ${since}`,
    tags: [replica, state, isWell ? 'well' : 'trouble'],
  };
}

const columns: readonly Column<Annotation>[] = [
  { name: 'time', type: 'time', of: ({ time }) => time },
  { name: 'timeEnd', type: 'time', of: ({ timeEnd }) => timeEnd },
  { name: 'title', type: 'string', of: ({ title }) => title },
  { name: 'text', type: 'string', of: ({ text }) => text },
  // Grafana splits them at commas.
  { name: 'tags', type: 'string', of: ({ tags }) => tags.join(',') },
];

/** The form that an annotation query of plugin 0.3 and later expects. */
export function changeFrame(
  refId: string,
  replicas: readonly string[],
  span: TimeSpan,
  grafana: GrafanaContext,
): Frame {
  return tableFrame(refId, columns, findAnnotations(replicas, span, grafana));
}
