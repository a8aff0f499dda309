import { describe, expect, test } from 'vitest';
import type { Estimate } from '../../src/replicas/estimate.ts';
import type { Facts } from '../../src/replicas/facts.ts';
import { judge } from '../../src/replicas/judge.ts';
import type { ReceiverSample, Sample, StandbySample } from '../../src/replicas/sample.ts';
import { defaultTuning } from '../../src/replicas/tuning.ts';

/** The gateway's clock when the sample was answered, and the standby's. */
const NOW = 1000;
const CLOCK = 1_760_000_000;

const aReceiver = (overrides: Partial<ReceiverSample> = {}): ReceiverSample => ({
  pid: 1,
  status: 'streaming',
  timeline: 1,
  writtenLsn: 100n,
  latestEndLsn: 100n,
  messageSendStamp: CLOCK - 0.2,
  messageReceiptStamp: CLOCK - 0.2,
  isAdvance: true,
  isSilent: false,
  latestEndStamp: CLOCK - 0.2,
  host: '10.0.0.9',
  port: 5432,
  slotName: 'one',
  isFromPrimary: true,
  ...overrides,
});

const aStandby = (overrides: Partial<StandbySample> = {}): StandbySample => ({
  receivedLsn: 100n,
  pauseState: 'not paused',
  lastCommitStamp: CLOCK - 0.3,
  checkpointStamp: CLOCK - 100,
  receiver: aReceiver(),
  replayWait: { type: 'Activity', event: 'RecoveryWalStream' },
  usesArchive: false,
  slotName: 'one',
  receiverTimeout: 10,
  applyDelay: 0,
  maxStreamingDelay: 30,
  feedback: false,
  replayProcess: '41 1760000000',
  conflicts: {},
  ...overrides,
});

const aSample = (standby: Partial<StandbySample> | null = {}, overrides: Partial<Sample> = {}): Sample => ({
  sentAt: NOW - 0.001,
  answeredAt: NOW,
  clock: CLOCK,
  systemIdentifier: '7',
  startStamp: 1,
  serverVersion: 180004,
  port: 5432,
  address: null,
  timeline: 1,
  lsn: 100n,
  insertLsn: null,
  replayEndLsn: null,
  walSizes: { block: 8192n, segment: 16_777_216n },
  standby: standby && aStandby(standby),
  slots: [],
  ...overrides,
});

const anEstimate = (overrides: Partial<Estimate> = {}): Estimate => ({
  upstreamLsn: 100n,
  lagBytes: 0n,
  split: { network: 0n, replay: 0n },
  unheardSeconds: 0,
  delaySeconds: 0,
  asOf: { at: NOW - 0.4, stamp: CLOCK - 0.4 },
  doubt: null,
  minSeconds: 0,
  upstreamKnownAt: NOW - 0.4,
  ...overrides,
});

const facts = (overrides: Partial<Facts> = {}): Facts => ({
  sample: aSample(),
  failure: null,
  refusedConnections: 0,
  isOtherCluster: false,
  isOtherDatabase: false,
  isBesidePrimary: false,
  wasStandby: true,
  estimate: anEstimate(),
  now: NOW,
  stillSeconds: 0,
  unstreamedSeconds: 0,
  slot: 'unknown',
  upstream: null,
  isPrimaryPolled: false,
  previousState: 'STREAMING',
  ...overrides,
});

const verdict = (overrides: Partial<Facts>) => judge(facts(overrides), defaultTuning);
const failed = (kind: 'unreachable' | 'hanging' | 'gone' | 'starting' | 'refused', inARow = 1) => ({
  kind,
  code: null,
  inARow,
});
const behind = (overrides: Partial<Estimate> = {}) =>
  anEstimate({ lagBytes: 5_000_000n, minSeconds: 3, ...overrides });

describe('the state of a server', () => {
  test.each([
    ['UNKNOWN', 'never polled', { sample: null }],
    ['STARTING', 'refusing with 57P03', { failure: failed('starting') }],
    ['STARTING', 'refusing with 57P03 since we know it', { sample: null, failure: failed('starting') }],
    ['UNREACHABLE', 'never answering', { sample: null, failure: failed('hanging') }],
    ['UNREACHABLE', 'refusing connections', { failure: failed('unreachable') }],
    ['UNREACHABLE', 'refusing our password', { failure: failed('refused') }],
    ['UNREACHABLE', 'hanging twice in a row', { failure: failed('hanging', 2) }],
    ['STREAMING', 'hanging once', { failure: failed('hanging', 1) }],
    [
      'UNREACHABLE',
      'hanging once, and silent for longer than allowed',
      { failure: failed('hanging', 1), now: NOW + 6 },
    ],
    ['UNKNOWN', 'not polled for longer than allowed', { now: NOW + 6 }],
    ['UNREACHABLE', 'deaf to new connections', { refusedConnections: 2 }],
    ['STREAMING', 'deaf to one new connection', { refusedConnections: 1 }],
    ['WRONG_CLUSTER', 'of another cluster', { isOtherCluster: true }],
    ['WRONG_CLUSTER', 'another database', { isOtherDatabase: true }],
    ['WRONG_CLUSTER', 'a primary of another cluster', { isOtherCluster: true, sample: aSample(null) }],
    ['SPLIT_BRAIN', 'a primary beside another', { sample: aSample(null), isBesidePrimary: true }],
    ['PROMOTED', 'a primary that was a standby', { sample: aSample(null) }],
    ['PRIMARY', 'a primary that never was a standby', { sample: aSample(null), wasStandby: false }],
    ['PAUSED', 'paused', { sample: aSample({ pauseState: 'paused' }) }],
    ['PAUSED', 'about to pause', { sample: aSample({ pauseState: 'pause requested' }) }],
    ['PAUSED', 'paused and cut off', { sample: aSample({ pauseState: 'paused', receiver: null }) }],
    [
      'DELAYED',
      'waiting on purpose',
      { sample: aSample({ replayWait: { type: 'Timeout', event: 'RecoveryApplyDelay' } }) },
    ],
    ['DELAYED', 'late by setting', { sample: aSample({ applyDelay: 60 }), estimate: behind() }],
    ['STREAMING', 'late by setting with nothing to replay', { sample: aSample({ applyDelay: 60 }) }],
    [
      'REPLAY_BLOCKED',
      'waiting for a snapshot to go',
      {
        sample: aSample({ replayWait: { type: 'IPC', event: 'RecoveryConflictSnapshot' } }),
        stillSeconds: 1.5,
        estimate: behind(),
      },
    ],
    [
      'REPLAY_BLOCKED',
      'waiting for a lock',
      { sample: aSample({ replayWait: { type: 'Lock', event: 'relation' } }), stillSeconds: 1.5 },
    ],
    [
      'STREAMING',
      'waiting for a lock while replay moves',
      { sample: aSample({ replayWait: { type: 'Lock', event: 'relation' } }), stillSeconds: 0.2 },
    ],
    [
      'STREAMING_UNVERIFIED',
      'hidden from our role',
      { sample: aSample({ receiver: 'hidden', replayWait: null }) },
    ],
    [
      'ARCHIVE_RECOVERY',
      'restoring files',
      {
        sample: aSample({ receiver: null, receivedLsn: null, usesArchive: true, slotName: null }),
        unstreamedSeconds: null,
      },
    ],
    [
      'DISCONNECTED',
      'restarted while its primary is down, with an archive as second source',
      {
        sample: aSample({ receiver: null, receivedLsn: null, usesArchive: true, slotName: 'one' }),
        unstreamedSeconds: null,
      },
    ],
    [
      'DISCONNECTED',
      'restarted while its primary is down',
      { sample: aSample({ receiver: null, receivedLsn: null, slotName: null }), unstreamedSeconds: null },
    ],
    ['DISCONNECTED', 'without a receiver', { sample: aSample({ receiver: null }) }],
    [
      'CONNECTING',
      'starting its receiver',
      { sample: aSample({ receiver: aReceiver({ status: 'starting' }) }) },
    ],
    ['CONNECTING', 'connecting (19)', { sample: aSample({ receiver: aReceiver({ status: 'connecting' }) }) }],
    ['CONNECTING', 'waiting for orders', { sample: aSample({ receiver: aReceiver({ status: 'waiting' }) }) }],
    [
      'STALLED',
      'silent past its ping',
      { sample: aSample({ receiver: aReceiver({ messageReceiptStamp: CLOCK - 7.5 }) }) },
    ],
    [
      'STREAMING',
      'silent until its ping',
      { sample: aSample({ receiver: aReceiver({ messageReceiptStamp: CLOCK - 6 }) }) },
    ],
    [
      'STALLED',
      'silent while others hear of new WAL',
      {
        sample: aSample({ receiver: aReceiver({ messageReceiptStamp: CLOCK - 4 }) }),
        estimate: anEstimate({ unheardSeconds: 3.5 }),
      },
    ],
    [
      'STALLED',
      'silent for a minute with a timeout that never ends',
      { sample: aSample({ receiverTimeout: 0, receiver: aReceiver({ messageReceiptStamp: CLOCK - 60 }) }) },
    ],
    ['UPSTREAM_DEGRADED', 'fed by a paused standby', { upstream: { name: 'middle', state: 'DISCONNECTED' } }],
    ['STREAMING', 'fed by a healthy standby', { upstream: { name: 'middle', state: 'STREAMING' } }],
    ['CATCHING_UP', 'behind in bytes', { estimate: behind({ minSeconds: 0 }) }],
    [
      'CATCHING_UP',
      'told late, so that its lag hides in the network',
      { estimate: anEstimate({ delaySeconds: 4 }) },
    ],
    ['CATCHING_UP', 'behind in time', { estimate: behind({ lagBytes: 10n }) }],
    ['STREAMING', 'slightly behind', { estimate: behind({ lagBytes: 700_000n, minSeconds: 0.7 }) }],
    [
      'CATCHING_UP',
      'slightly behind after having been far behind',
      { estimate: behind({ lagBytes: 700_000n, minSeconds: 0.7 }), previousState: 'CATCHING_UP' },
    ],
    ['STREAMING', 'up to date', {}],
  ] as const)('is %s when it is %s', (state, _, overrides) => {
    expect(verdict(overrides as Partial<Facts>).state).toBe(state);
  });
});

describe('the figures of a verdict', () => {
  test('grow with silence, second by second', () => {
    const at = (now: number) => verdict({ now }).maxSeconds;
    expect(at(NOW + 3)! - at(NOW)!).toBeCloseTo(3);
    expect(at(NOW + 3600)! - at(NOW)!).toBeCloseTo(3600);
  });

  test.each([
    ['a promoted standby', { sample: aSample(null) }],
    ['a primary', { sample: aSample(null), wasStandby: false }],
    ['one of two primaries', { sample: aSample(null), isBesidePrimary: true }],
    ['a server of another cluster', { isOtherCluster: true }],
    ['a server that starts', { failure: failed('starting') }],
    ['a server never polled', { sample: null }],
  ])('are null, never 0, for %s', (_, overrides) => {
    const { lagBytes, maxSeconds, minSeconds, lagIsLowerBound } = verdict(overrides);
    expect([lagBytes, maxSeconds, minSeconds, lagIsLowerBound]).toEqual([null, null, null, true]);
  });

  test('are null when nothing is known of the upstream', () => {
    const estimate = anEstimate({ asOf: undefined, lagBytes: null, upstreamLsn: null, minSeconds: null });
    expect(verdict({ estimate })).toMatchObject({ lagBytes: null, maxSeconds: null, confidence: 'LOW' });
  });

  test.each([
    ['HIGH', 'told a moment ago', {}],
    ['MEDIUM', 'on an idle link', { estimate: anEstimate({ upstreamKnownAt: NOW - 4 }) }],
    ['MEDIUM', 'catching up', { estimate: behind() }],
    ['HIGH', 'catching up beside a polled primary', { estimate: behind(), isPrimaryPolled: true }],
    ['LOW', 'just cut off', { sample: aSample({ receiver: null }), unstreamedSeconds: 0.3 }],
    [
      'HIGH',
      'cut off while a neighbour is told',
      { sample: aSample({ receiver: null }), unstreamedSeconds: 30 },
    ],
    [
      'LOW',
      'cut off with all others',
      {
        sample: aSample({ receiver: null }),
        unstreamedSeconds: 30,
        estimate: anEstimate({ upstreamKnownAt: NOW - 30 }),
      },
    ],
    ['NONE', 'unreachable', { failure: failed('unreachable') }],
  ] as const)('deserve %s confidence when the standby is %s', (confidence, _, overrides) => {
    expect(verdict(overrides as Partial<Facts>).confidence).toBe(confidence);
  });

  test('call the lag a lower bound once nobody says where the WAL ends', () => {
    const lower = (overrides: Partial<Facts>) => verdict(overrides).lagIsLowerBound;
    expect([
      lower({}),
      lower({ estimate: anEstimate({ upstreamKnownAt: NOW - 5 }) }),
      lower({ sample: aSample({ receiver: null }), unstreamedSeconds: 0.3 }),
      lower({ failure: failed('hanging') }),
    ]).toEqual([false, true, true, true]);
  });
});

describe('the reason', () => {
  test('says whether the network or replay is slow', () => {
    const network = behind({ split: { network: 4_000_000n, replay: 1_000_000n } });
    const replay = behind({ split: { network: 1_000_000n, replay: 4_000_000n } });
    expect(verdict({ estimate: network }).reason).toBe(
      '5 MB behind: most of it has not arrived yet (NETWORK).',
    );
    expect(verdict({ estimate: replay }).reason).toContain('(REPLAY)');
  });

  test.each([
    ['lost', /slot on the primary is lost.*cloned anew/],
    ['missing', /slot does not exist on the primary: create it there again/],
  ] as const)('says when the slot is %s', (slot, reason) => {
    expect(verdict({ sample: aSample({ receiver: null }), slot }).reason).toMatch(reason);
  });

  test('never names a host', () => {
    const receivers = [
      aReceiver(),
      aReceiver({ status: 'starting' }),
      aReceiver({ messageReceiptStamp: 0 }),
      null,
    ];
    for (const receiver of receivers) {
      for (const failure of [null, failed('unreachable'), failed('hanging', 2)]) {
        expect(verdict({ sample: aSample({ receiver }), failure }).reason ?? '').not.toContain('10.0.0.9');
      }
    }
  });
});
