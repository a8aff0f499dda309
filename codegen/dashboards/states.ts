import { type ReplicaState, replicaStates } from '../../src/replicas/states.ts';
import { namedMapping, valueMapping } from './panels.ts';

const colours: Readonly<Record<ReplicaState, string>> = {
  STREAMING: 'green',
  CATCHING_UP: 'yellow',
  DELAYED: 'blue',
  UPSTREAM_DEGRADED: 'yellow',
  CONNECTING: 'orange',
  STALLED: 'orange',
  DISCONNECTED: 'orange',
  REPLAY_BLOCKED: 'orange',
  PAUSED: 'orange',
  ARCHIVE_RECOVERY: 'yellow',
  STREAMING_UNVERIFIED: 'yellow',
  UNKNOWN: 'text',
  UNREACHABLE: 'red',
  STARTING: 'orange',
  WRONG_CLUSTER: 'red',
  SPLIT_BRAIN: 'red',
  PROMOTED: 'red',
  PRIMARY: 'red',
};

export const stateMapping = valueMapping(colours);
export const healthMapping = valueMapping({ OK: 'green', DEGRADED: 'yellow', DOWN: 'red' });
export const confidenceMapping = valueMapping({ HIGH: 'green', MEDIUM: 'blue', LOW: 'orange', NONE: 'red' });
export const primaryMapping = valueMapping({
  AVAILABLE: 'green',
  UNKNOWN: 'text',
  SILENT: 'orange',
  STARTING: 'orange',
  UNREACHABLE: 'red',
  NOT_PRIMARY: 'red',
  SPLIT_BRAIN: 'red',
});

export const upMapping = namedMapping({
  0: { text: 'no answer', color: 'red' },
  1: { text: 'answers', color: 'green' },
});
export const streamingMapping = namedMapping({
  0: { text: 'streams from nobody', color: 'orange' },
  1: { text: 'streams', color: 'green' },
});
export const yesNoMapping = namedMapping({
  true: { text: 'yes', color: 'green' },
  false: { text: 'no', color: 'orange' },
});

/** In Grafana's markdown, for a panel's description. */
export const statesInWords = Object.entries(replicaStates)
  .map(([state, words]) => `- **${state}**: ${words}`)
  .join('\n');
