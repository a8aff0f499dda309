import type { Xdrs } from '../db/generated/model.ts';
import type { Account } from './accounts.ts';
import { charge } from './billing.ts';
import { createCaller } from './caller.ts';
import { copyTable, type FieldText, micros, millis, money, NULL, second, text } from './copy-lines.ts';
import { type Failure, failures } from './failures.ts';
import { digits, malformedCalled, type NumberPair } from './numbers.ts';
import { presets } from './presets.ts';
import { createChooser, createPicker, type Random } from './random.ts';
import { findRate, matchRate } from './rates.ts';

/**
 * One attempt as a switch writes it when it ends. Seconds and micros count from the epoch; money is in
 * millionths; every number is whole.
 */
export interface Call {
  readonly accountId: number;
  readonly customerId: number;
  readonly caller: NumberPair;
  readonly called: NumberPair;
  readonly setupMicros: number;
  readonly connectSecond: number;
  readonly disconnectSecond: number;
  readonly durationMillis: number;
  readonly billedSeconds: number;
  readonly amount: number;
  readonly surcharge: number | null;
  readonly cause: number;
  readonly reason: string | null;
  readonly callId: string;
  readonly prefix: string | null;
  readonly country: string | null;
  readonly region: string | null;
  readonly remoteIp: string;
  readonly postDialDelayMillis: number | null;
  readonly releaseSource: 'caller' | 'callee' | null;
  readonly userAgent: string | null;
  readonly protocol: number;
  readonly assertedIdentity: string | null;
}

/** How a call is written. A column of the table that is not here does not compile; its key is the table's own. */
export const callsTable = copyTable('xdrs', {
  i_account: ({ accountId }) => String(accountId),
  i_customer: ({ customerId }) => String(customerId),
  cli: ({ caller }) => text(caller.translated),
  cld: ({ called }) => text(called.translated),
  cli_in: ({ caller }) => text(caller.received),
  cld_in: ({ called }) => text(called.received),
  setup_time: ({ setupMicros }) => micros(setupMicros),
  connect_time: ({ connectSecond }) => second(connectSecond),
  disconnect_time: ({ disconnectSecond }) => second(disconnectSecond),
  duration: ({ durationMillis }) => millis(durationMillis),
  charged_quantity: ({ billedSeconds }) => String(billedSeconds),
  charged_amount: ({ amount }) => money(amount),
  post_call_surcharge: ({ surcharge }) => (surcharge === null ? NULL : money(surcharge)),
  disconnect_cause: ({ cause }) => String(cause),
  disconnect_reason: ({ reason }) => text(reason),
  call_id: ({ callId }) => callId,
  prefix: ({ prefix }) => text(prefix),
  country: ({ country }) => text(country),
  region: ({ region }) => text(region),
  remote_ip: ({ remoteIp }) => remoteIp,
  pdd: ({ postDialDelayMillis }) => (postDialDelayMillis === null ? NULL : millis(postDialDelayMillis)),
  release_source: ({ releaseSource }) => text(releaseSource),
  user_agent: ({ userAgent }) => text(userAgent),
  i_protocol: ({ protocol }) => String(protocol),
  p_asserted_id: ({ assertedIdentity }) => text(assertedIdentity),
} satisfies Record<Exclude<keyof Xdrs, 'i_xdr'>, FieldText<Call>>);

/** Makes one call of its account that ends within the given second. */
export type CallMaker = (disconnectSecond: number) => Call;

const NORMAL_CLEARING = 16;
const SIP = 1;
const H323 = 2;
/** Stands in `prefix` where no prefix could be matched. */
const TRANSLATION_ERROR = 'external_translation_error';

const MAX_CALL_MILLIS = 4 * 3_600_000;
const MIN_CALL_MILLIS = 100;
const RINGING = { medianSeconds: 6, sigma: 0.7 };

const MALFORMED_CALLED = 0.003;
const CHARGED_FAILURE = 0.002;
/** Fields most equipment leaves empty. */
const SELDOM_FILLED = 0.1;

const USER_AGENTS = [
  'Asterisk PBX 18.20.0',
  'FreeSWITCH-mod_sofia/1.10.11',
  'Cisco-SIPGateway/IOS-16.12.4',
  'Yealink SIP-T46U 108.86.0.90',
  'Grandstream HT812 1.0.43.11',
  'Sippy Softswitch v2022',
  'Oracle ESD "S-Cz9.0"',
];

/** Numbers the price list does not reach. */
const OUTSIDE_THE_LIST = ['870', '882', '979'];

/** How an attempt went: the part that differs between a conversation and a failure. */
type Course = Pick<
  Call,
  | 'setupMicros'
  | 'connectSecond'
  | 'durationMillis'
  | 'billedSeconds'
  | 'amount'
  | 'surcharge'
  | 'cause'
  | 'reason'
  | 'postDialDelayMillis'
  | 'releaseSource'
>;

export function createCallMaker(account: Account, random: Random): CallMaker {
  const caller = createCaller(account, random);
  const courses = createCourses(account, random);
  const protocol = account.kind === 'wholesale' && account.id % 10 === 3 ? H323 : SIP;

  return (disconnectSecond) => {
    const destination = caller.destination();
    const isAnswered = random.chance(destination.answerRatio);
    const isMalformed = !isAnswered && random.chance(MALFORMED_CALLED);
    const failure = isAnswered ? undefined : isMalformed ? failures.invalidFormat : courses.drawFailure();
    const called = isMalformed ? malformedCalled(random) : reachableBy(failure, destination.called, random);
    const rate = called.translated === null ? undefined : matchRate(called.translated);
    const course = failure
      ? courses.failed(failure, disconnectSecond)
      : courses.answered(rate?.pricePerMinute ?? 0, disconnectSecond);
    const remoteIp = caller.remoteIp();
    const calling = caller.callingNumber();
    return {
      accountId: account.id,
      customerId: account.customerId,
      caller: calling,
      called,
      setupMicros: course.setupMicros,
      connectSecond: course.connectSecond,
      disconnectSecond,
      durationMillis: course.durationMillis,
      billedSeconds: course.billedSeconds,
      amount: course.amount,
      surcharge: course.surcharge,
      cause: course.cause,
      reason: course.reason,
      callId: `${random.bits().toString(16)}${random.bits().toString(16)}@${remoteIp}`,
      // A switch that got no answer from its translator has no number to match either.
      prefix: failure === failures.translatorRefused ? TRANSLATION_ERROR : (rate?.prefix ?? null),
      country: rate?.country ?? null,
      region: rate?.region ?? null,
      remoteIp,
      postDialDelayMillis: course.postDialDelayMillis,
      releaseSource: course.releaseSource,
      userAgent: random.chance(SELDOM_FILLED) ? USER_AGENTS[random.below(USER_AGENTS.length)]! : null,
      protocol,
      assertedIdentity: protocol === SIP ? assertedIdentityOf(account, calling) : null,
    };
  };
}

/** Some equipment asserts who calls. A dialler, which shows many numbers, always asserts the one it is known by. */
function assertedIdentityOf({ id, kind, home }: Account, { translated }: NumberPair): string | null {
  if (id % 4 !== 3) return null;
  if (kind !== 'dialler') return translated;
  const prefix = home.fixed[0]!;
  return prefix + String(id).padStart(findRate(prefix).digits - prefix.length, '0');
}

function reachableBy(failure: Failure | undefined, called: NumberPair, random: Random): NumberPair {
  if (failure !== failures.noRate) return called;
  const number = OUTSIDE_THE_LIST[random.below(OUTSIDE_THE_LIST.length)]! + digits(9, random);
  return { translated: number, received: `00${number}` };
}

function createCourses({ kind, terms }: Account, random: Random) {
  const preset = presets[kind];
  const pickPart = createPicker(preset.durations.map(({ weight }) => weight));
  const drawFailure = createChooser(
    preset.failures.map(([name, weight]) => [failures[name], weight] as const),
  );
  const drawDelay = () =>
    Math.round(random.lognormal(preset.postDialDelay.median, preset.postDialDelay.sigma) * 1000);

  function drawDuration(): number {
    const { medianSeconds, sigma } = preset.durations[pickPart(random)]!;
    const millis = Math.round(random.lognormal(medianSeconds, sigma) * 1000);
    return Math.min(Math.max(millis, MIN_CALL_MILLIS), MAX_CALL_MILLIS);
  }

  function answered(pricePerMinute: number, disconnectSecond: number): Course {
    const durationMillis = drawDuration();
    const connectSecond = disconnectSecond - Math.floor(durationMillis / 1000);
    const postDialDelayMillis = drawDelay();
    const ringing = random.lognormal(RINGING.medianSeconds, RINGING.sigma);
    const { billedSeconds, amount } = charge(durationMillis, pricePerMinute, terms);
    return {
      setupMicros: connectSecond * 1_000_000 - postDialDelayMillis * 1000 - Math.round(ringing * 1_000_000),
      connectSecond,
      durationMillis,
      billedSeconds,
      amount,
      surcharge: random.chance(SELDOM_FILLED) ? 10_000 * random.below(5) : null,
      cause: NORMAL_CLEARING,
      reason: random.chance(SELDOM_FILLED) ? 'Normal call clearing' : null,
      postDialDelayMillis,
      releaseSource: random.chance(preset.endedByCallee) ? 'callee' : 'caller',
    };
  }

  /** Connect time is filled too, with the end: the column has no null. */
  function failed({ cause, reason, rang, lasts }: Failure, disconnectSecond: number): Course {
    const attemptMillis = Math.round(random.lognormal(lasts, 0.5) * 1000);
    return {
      setupMicros: (disconnectSecond * 1000 - attemptMillis) * 1000 - random.below(1000),
      connectSecond: disconnectSecond,
      durationMillis: 0,
      billedSeconds: 0,
      amount: terms.connectFee > 0 && random.chance(CHARGED_FAILURE) ? terms.connectFee : 0,
      surcharge: null,
      cause,
      reason,
      postDialDelayMillis: rang ? Math.min(drawDelay(), attemptMillis) : null,
      releaseSource: null,
    };
  }

  return { drawFailure: () => drawFailure(random), answered, failed };
}
