import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEAVY_ACCOUNT_ID } from '../../src/demo/accounts.ts';
import { type Call, callsTable } from '../../src/demo/calls.ts';
import type { AccountKind } from '../../src/demo/presets.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';

const NOW = new Date('2026-03-05T12:34:56.789Z');
const SECOND = Math.floor(NOW.getTime() / 1000);
const DAY = 86_400;

const isAnswered = (call: Call) => call.durationMillis > 0;
const shareOf = (calls: readonly Call[], matches: (call: Call) => boolean) =>
  calls.filter(matches).length / calls.length;

describe('a history', () => {
  test('is the same for the same seed, count and time, and another for another seed', () => {
    const lines = (seed: number) =>
      [...createTrafficModel(seed).history({ count: 2_000, now: NOW })].map(callsTable.line);
    expect(lines(5)).toEqual(lines(5));
    expect(lines(5)).not.toEqual(lines(6));
  });

  test('keeps every rule of a switch, whatever the seed, the time and the count', () => {
    const times = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(fc.nat(), times, fc.nat({ max: 400 }), (seed, now, count) => {
        const calls = [...createTrafficModel(seed).history({ count, now })];
        expect(calls).toHaveLength(count);
        const to = Math.floor(now.getTime() / 1000);
        let last = to - 30 * DAY;
        for (const call of calls) {
          expect(call.disconnectSecond).toBeGreaterThanOrEqual(last);
          expect(call.disconnectSecond).toBeLessThan(to);
          last = call.disconnectSecond;
          expectRules(call);
        }
      }),
      { numRuns: 20 },
    );
  });
});

function expectRules(call: Call): void {
  expect(call.disconnectSecond - call.connectSecond).toBe(Math.floor(call.durationMillis / 1000));
  expect(call.setupMicros).toBeLessThanOrEqual(call.connectSecond * 1_000_000);
  if (isAnswered(call)) {
    expect(call).toMatchObject({ cause: 16, postDialDelayMillis: expect.any(Number) });
    expect(call.billedSeconds * 1000).toBeGreaterThanOrEqual(call.durationMillis);
    expect(['caller', 'callee']).toContain(call.releaseSource);
  } else {
    expect(call).toMatchObject({ durationMillis: 0, billedSeconds: 0, surcharge: null, releaseSource: null });
    expect(call.reason).not.toBeNull();
  }
  if (call.country !== null && call.prefix !== 'external_translation_error') {
    expect(call.called.translated?.startsWith(call.prefix!)).toBe(true);
  }
}

describe('a month of calls', () => {
  const model = createTrafficModel(1);
  const calls = [...model.history({ count: 60_000, now: NOW })];
  const kinds = new Map(model.accounts.map(({ id, kind }) => [id, kind]));
  const ofKind = (kind: AccountKind) => calls.filter(({ accountId }) => kinds.get(accountId) === kind);

  test('belongs to the heavy account by half, and to every account at least a little', () => {
    expect(shareOf(calls, ({ accountId }) => accountId === HEAVY_ACCOUNT_ID)).toBeCloseTo(0.5, 1);
    expect(new Set(calls.map(({ accountId }) => accountId)).size).toBe(model.accounts.length);
  });

  test('has customers who pay for several accounts', () => {
    const perCustomer = Map.groupBy(model.accounts, ({ customerId }) => customerId);
    expect(Math.max(...[...perCustomer.values()].map((accounts) => accounts.length))).toBeGreaterThan(1);
    expect(
      [...perCustomer.keys()].every((id) => model.customers.some((customer) => customer.id === id)),
    ).toBe(true);
  });

  test.each([
    ['dialler', 0.66, 6.76],
    ['conversational', 0.55, 132],
  ] as const)('of a %s is answered in a share of %f and lasts %f seconds on average', (kind, asr, acd) => {
    const found = ofKind(kind);
    const answered = found.filter(isAnswered);
    const seconds = answered.reduce((sum, call) => sum + call.durationMillis, 0) / 1000;
    expect(answered.length / found.length).toBeCloseTo(asr, 1);
    expect(Math.abs(seconds / answered.length / acd - 1)).toBeLessThan(0.12);
  });

  test('of a dialler is short: half within 3 seconds, three in four within 6', () => {
    const answered = ofKind('dialler').filter(isAnswered);
    expect(shareOf(answered, ({ durationMillis }) => durationMillis <= 3_000)).toBeCloseTo(0.5, 1);
    expect(shareOf(answered, ({ durationMillis }) => durationMillis <= 6_000)).toBeCloseTo(0.77, 1);
  });

  test('of a trunk is answered between 6 and 45 times in a hundred', () => {
    const asr = shareOf(ofKind('wholesale'), isAnswered);
    expect(asr).toBeGreaterThan(0.06);
    expect(asr).toBeLessThan(0.45);
  });

  test('fails for the reasons of its kind', () => {
    const failed = ofKind('conversational').filter((call) => !isAnswered(call));
    expect(shareOf(failed, ({ cause }) => cause === 16)).toBeCloseTo(0.4, 1);
    expect(shareOf(failed, ({ cause }) => cause === 17)).toBeCloseTo(0.18, 1);
    const trunks = ofKind('wholesale').filter((call) => !isAnswered(call));
    expect(shareOf(trunks, ({ cause }) => [34, 41, 42].includes(cause))).toBeCloseTo(0.33, 1);
  });

  test('follows the working day and week of the account', () => {
    const paris = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Europe/Paris',
      weekday: 'short',
      hour: '2-digit',
      hourCycle: 'h23',
    });
    const heavy = calls
      .filter(({ accountId }) => accountId === HEAVY_ACCOUNT_ID)
      .map(({ disconnectSecond }) => paris.format(disconnectSecond * 1000));
    const share = (pattern: RegExp) => heavy.filter((at) => pattern.test(at)).length / heavy.length;
    expect(share(/ (10|11)$/)).toBeGreaterThan(2 * share(/ (08|13)$/));
    expect(share(/ 0[0-6]$| 2[1-3]$/)).toBe(0);
    expect(share(/^Sun/)).toBeLessThan(0.005);
    expect(share(/^Sat/)).toBeLessThan(share(/^Fri/) / 2);
  });

  test('leaves seldom used fields empty nine times in ten', () => {
    expect(shareOf(calls, ({ userAgent }) => userAgent === null)).toBeCloseTo(0.9, 1);
    const answered = calls.filter(isAnswered);
    expect(shareOf(answered, ({ surcharge }) => surcharge === null)).toBeCloseTo(0.9, 1);
    expect(shareOf(answered, ({ reason }) => reason === null)).toBeCloseTo(0.9, 1);
  });

  test('shows callers who assert one identity and present many numbers, and others who present their own', () => {
    const asserted = calls.filter(({ assertedIdentity }) => assertedIdentity !== null);
    const others = asserted.filter(({ assertedIdentity, caller }) => assertedIdentity !== caller.translated);
    expect(shareOf(calls, ({ assertedIdentity }) => assertedIdentity !== null)).toBeLessThan(0.1);
    expect(others.length).toBeGreaterThan(0);
    expect(others.length).toBeLessThan(asserted.length);
    expect(new Set(others.map(({ assertedIdentity }) => assertedIdentity)).size).toBeLessThan(20);
  });

  test('has a few numbers that are none, on both sides', () => {
    const odd = (number: string | null) => number === null || !/^\d{6,14}$/.test(number);
    const callers = shareOf(calls, ({ caller }) => odd(caller.translated));
    const called = shareOf(calls, (call) => odd(call.called.translated));
    expect(callers).toBeGreaterThan(0.001);
    expect(callers).toBeLessThan(0.02);
    expect(called).toBeGreaterThan(0);
    expect(called).toBeLessThan(0.01);
    expect(calls.map(({ caller }) => caller.received)).toEqual(
      expect.arrayContaining(['anonymous', '', '+', null]),
    );
  });

  test('has seconds in which several calls begin', () => {
    const perSecond = Map.groupBy(calls, ({ connectSecond }) => connectSecond);
    expect([...perSecond.values()].filter((together) => together.length > 1).length).toBeGreaterThan(1_000);
  });

  test('has long calls that begin before and end after others', () => {
    let newest = 0;
    const late = calls.filter(({ connectSecond }) => {
      const isLate = connectSecond < newest;
      newest = Math.max(newest, connectSecond);
      return isLate;
    });
    expect(late.length).toBeGreaterThan(1_000);
  });
});

test('a live call ends in the second asked for', () => {
  const model = createTrafficModel(1);
  for (let made = 0; made < 1_000; made++) {
    const call = model.callEndingIn(SECOND);
    expect(call.disconnectSecond).toBe(SECOND);
    expectRules(call);
  }
});
