import type { FailureKind } from '../db/failures.ts';
import { TRANSACTION_POOLING } from '../db/wire/pooling.ts';
import { SEVERAL_SERVERS } from '../db/wire/server-identity.ts';
import { describeBytes, describeSeconds } from './describe.ts';
import type { Facts, Thresholds } from './facts.ts';
import type { ReceiverSample, Sample, StandbySample } from './sample.ts';
import { type ReplicaState, stateTraits } from './states.ts';

interface Rule {
  readonly state: ReplicaState;
  readonly when: (facts: Facts, thresholds: Thresholds) => boolean;
  readonly why: (facts: Facts) => string | null;
}

/** The first rule that holds decides. */
export const decisionTable: readonly Rule[] = [
  { state: 'UNKNOWN', when: ({ sample, failure }) => !sample && !failure, why: () => null },
  {
    state: 'UNKNOWN',
    when: isUnwatched,
    why: () => 'It has not been polled for a while: the gateway itself stood still.',
  },
  {
    state: 'STARTING',
    when: ({ failure }) => failure?.kind === 'starting',
    why: () => 'It accepts no connections yet, or no more (57P03).',
  },
  { state: 'UNREACHABLE', when: ({ failure }) => failure?.kind === 'pooled', why: () => TRANSACTION_POOLING },
  { state: 'UNREACHABLE', when: ({ failure }) => failure?.kind === 'several', why: () => SEVERAL_SERVERS },
  { state: 'UNREACHABLE', when: isUnreachable, why: whyUnreachable },
  {
    state: 'WRONG_CLUSTER',
    when: ({ isOtherCluster, isOtherDatabase }) => isOtherCluster || isOtherDatabase,
    why: ({ isOtherDatabase }) =>
      isOtherDatabase
        ? 'Its URL names another database than those of the others: correct it.'
        : 'Its system identifier differs from that of the others: correct its URL, or clone it anew.',
  },
  {
    state: 'SPLIT_BRAIN',
    when: (facts) => isPrimary(facts) && facts.isBesidePrimary,
    why: ({ sample }) =>
      `Two servers of this cluster take writes; this one is on timeline ${sample?.timeline}.`,
  },
  {
    state: 'PROMOTED',
    when: (facts) => isPrimary(facts) && facts.wasStandby,
    why: ({ sample }) =>
      `It became a primary, on timeline ${sample?.timeline}; the old primary is not followed any more.`,
  },
  {
    state: 'PRIMARY',
    when: isPrimary,
    why: () => 'It is not in recovery, so it is no standby: it is used as soon as it becomes one.',
  },
  {
    state: 'UNREACHABLE',
    when: ({ refusedConnections }) => refusedConnections >= 2,
    why: () => 'It answers on a connection it had, but accepts no new ones.',
  },
  {
    state: 'PAUSED',
    when: ({ sample }) => sample?.standby?.pauseState !== 'not paused',
    why: () => 'Replay is paused: by hand, or because a setting is lower than on the primary (see its log).',
  },
  {
    state: 'DELAYED',
    when: isDelayed,
    why: (facts) => `It replays ${describeSeconds(standbyOf(facts).applyDelay)} late on purpose.`,
  },
  {
    state: 'REPLAY_BLOCKED',
    when: isBlocked,
    why: (facts) => `Replay waits for a query to let go (${standbyOf(facts).replayWait?.event}).`,
  },
  {
    state: 'STREAMING_UNVERIFIED',
    when: (facts) => standbyOf(facts).receiver === 'hidden',
    why: () => "The gateway's role may not see how far it is: grant pg_read_all_stats to it, on the primary.",
  },
  {
    state: 'ARCHIVE_RECOVERY',
    when: isArchiveRecovery,
    why: () => 'It restores files from an archive and streams from nobody.',
  },
  { state: 'DISCONNECTED', when: (facts) => receiverOf(facts) === null, why: whyDisconnected },
  {
    state: 'CONNECTING',
    when: (facts) => receiverOf(facts)?.status !== 'streaming',
    why: (facts) => `Its WAL receiver is ${receiverOf(facts)?.status}.`,
  },
  {
    state: 'STALLED',
    when: isStalled,
    why: (facts) => `Connected, but nothing came for ${describeSeconds(silence(facts.sample))}.`,
  },
  {
    state: 'UPSTREAM_DEGRADED',
    when: hasBadUpstream,
    why: ({ upstream }) => `Streams from ${upstream?.name}, which is ${upstream?.state}.`,
  },
  { state: 'CATCHING_UP', when: isCatchingUp, why: whyCatchingUp },
  { state: 'STREAMING', when: () => true, why: () => null },
];

/** Every poll ends in an answer or a failure, in good time. Where none has ended it was not tried. */
function isUnwatched({ sample, failure, now }: Facts, { unreachableAfterSeconds }: Thresholds): boolean {
  return sample !== null && failure === null && now - sample.answeredAt > unreachableAfterSeconds;
}

function isUnreachable({ sample, failure, now }: Facts, { unreachableAfterSeconds }: Thresholds): boolean {
  if (!sample) return true;
  if (now - sample.answeredAt > unreachableAfterSeconds) return true;
  // One hiccup of a server that answered a moment ago is not an outage; a refusal is.
  return (
    failure !== null && (failure.inARow >= 2 || failure.kind === 'unreachable' || failure.kind === 'refused')
  );
}

const unreachableWords: Readonly<Partial<Record<FailureKind, string>>> = {
  unreachable: 'It cannot be connected to',
  hanging: 'It does not answer in time',
  gone: 'It closed the connection',
  refused: 'It refuses our login, our database or what we ask',
  overloaded: 'It has no connection left for us',
  timeout: 'It does not answer in time',
};

/** What to do about a failure that will not pass by itself. */
const remedies: readonly (readonly [codes: RegExp, remedy: string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'its host name resolves to nothing: correct the URL, or the name in the DNS'],
  [/^28/, "check user and password of the URL, and the server's pg_hba.conf"],
  [/^3D000$/, 'there is no such database: correct the URL'],
  [/^0A000$/, 'it cannot say how far it is, as readers of Aurora cannot'],
  [/^42501$/, "its role lacks the privileges: run the gateway's migrations on the primary"],
];

function remedyFor(code: string | null): string {
  const found = code === null ? undefined : remedies.find(([codes]) => codes.test(code));
  return found ? `${found[1]}; ` : '';
}

function whyUnreachable({ sample, failure, now }: Facts): string {
  const words = (failure && unreachableWords[failure.kind]) ?? 'It does not answer';
  const code = failure?.code ? ` (${failure.code})` : '';
  const remedy = remedyFor(failure?.code ?? null);
  return `${words}${code}; ${remedy}${sample ? `last answer ${describeSeconds(now - sample.answeredAt)} ago` : 'it never answered'}.`;
}

function isPrimary({ sample }: Facts): boolean {
  return sample?.standby === null;
}

/** For rules below those that match servers which are no standbys. */
function standbyOf({ sample }: Facts): StandbySample {
  return sample!.standby!;
}

export function receiverOf(facts: Facts): ReceiverSample | null {
  const { receiver } = standbyOf(facts);
  return receiver === 'hidden' ? null : receiver;
}

function isBehind({ estimate, sample }: Facts): boolean {
  const receiver = sample?.standby?.receiver;
  return (estimate.lagBytes ?? 0n) > 0n || receiver === 'hidden';
}

function isDelayed(facts: Facts): boolean {
  const { replayWait, applyDelay } = standbyOf(facts);
  return replayWait?.event === 'RecoveryApplyDelay' || (applyDelay > 0 && isBehind(facts));
}

function isBlocked(facts: Facts, { stuckSeconds }: Thresholds): boolean {
  const { replayWait } = standbyOf(facts);
  const waits =
    replayWait && (/^RecoveryConflict|^Buffer/.test(replayWait.event) || replayWait.type === 'Lock');
  return Boolean(waits) && facts.stillSeconds >= stuckSeconds;
}

/** A receiver that was ever seen, or a slot, says that this one is meant to stream. */
function isArchiveRecovery(facts: Facts): boolean {
  const { receiver, receivedLsn, usesArchive, slotName } = standbyOf(facts);
  if (receiver !== null || !usesArchive) return false;
  return receivedLsn === null && slotName === null && facts.unstreamedSeconds === null;
}

function whyDisconnected({ slot, isPrimaryPolled, unstreamedSeconds }: Facts): string {
  if (slot === 'lost')
    return 'Its slot on the primary is lost: the WAL it needs is gone, it must be cloned anew.';
  if (slot === 'missing')
    return 'Its slot does not exist on the primary: create it there again, while the primary still has the WAL it needs.';
  const since =
    unstreamedSeconds === null
      ? 'It streams from nobody'
      : `It has streamed from nobody for ${describeSeconds(unstreamedSeconds)}`;
  const cause = isPrimaryPolled
    ? 'the primary is up, so it refuses this standby, or is out of its reach (see its log)'
    : 'the primary may be down or refuse it (see its log)';
  return `${since}; ${cause}.`;
}

/** Seconds; for a receiver that waits for ever. PostgreSQL's own default. */
const DEFAULT_RECEIVER_TIMEOUT = 60;
/** The receiver breaks a silence with a ping after half its timeout; the answer may take a little longer. */
const SILENCE_SHARE = 0.6;
/** When others have heard of WAL that this one has not, silence is suspicious sooner. */
const SUSPICIOUS_POLLS = 3;

function silence(sample: Sample | null): number {
  const receiver = sample?.standby?.receiver;
  return sample && receiver && receiver !== 'hidden' ? sample.clock - receiver.messageReceiptStamp : 0;
}

/** Whether its receiver has heard nothing for longer than pings would leave it without an answer. */
export function isSilentReceiver(sample: Sample, allowanceSeconds = 1): boolean {
  const timeout = sample.standby?.receiverTimeout || DEFAULT_RECEIVER_TIMEOUT;
  return silence(sample) > timeout * SILENCE_SHARE + allowanceSeconds;
}

function isStalled(facts: Facts, { pollIntervalSeconds }: Thresholds): boolean {
  const timeout = standbyOf(facts).receiverTimeout || DEFAULT_RECEIVER_TIMEOUT;
  const suspicious = Math.min(SUSPICIOUS_POLLS * pollIntervalSeconds, timeout * SILENCE_SHARE);
  const { unheardSeconds } = facts.estimate;
  if (unheardSeconds > suspicious) return silence(facts.sample) > suspicious;
  return isSilentReceiver(facts.sample!, pollIntervalSeconds);
}

/** Replaying a while ago, or soon again, is no trouble: what counts is that its own upstream cannot feed it. */
function hasBadUpstream({ upstream }: Facts): boolean {
  return upstream !== null && upstream.state !== 'UNKNOWN' && !stateTraits[upstream.state].isAdvancing;
}

function isCatchingUp(
  { estimate, previousState }: Facts,
  { catchUpBytes, catchUpSeconds }: Thresholds,
): boolean {
  // Two thresholds, so that a standby on the verge does not change its state with every poll.
  const [bytes, seconds] =
    previousState === 'CATCHING_UP'
      ? [catchUpBytes / 2n, catchUpSeconds / 2]
      : [catchUpBytes, catchUpSeconds];
  const { lagBytes, minSeconds, delaySeconds } = estimate;
  return (lagBytes ?? 0n) > bytes || (minSeconds ?? 0) > seconds || delaySeconds > seconds;
}

function whyCatchingUp({ estimate: { lagBytes, split, delaySeconds } }: Facts): string {
  const behind = `${describeBytes(lagBytes ?? 0n)} behind`;
  if (delaySeconds > 1) {
    return `At least ${behind}: messages take ${describeSeconds(delaySeconds)} longer than usual to arrive (NETWORK).`;
  }
  if (!split) return `${behind}.`;
  return split.network > split.replay
    ? `${behind}: most of it has not arrived yet (NETWORK).`
    : `${behind}: most of it has arrived and is not replayed yet (REPLAY).`;
}
