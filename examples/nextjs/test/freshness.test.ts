import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from 'cdr-gateway-client';
import { isPassing } from '../src/asking/ask-error.ts';
import { ageOf, canAnswer, presentLag, shownAge } from '../src/freshness/age.ts';
import { isWorthAgain } from '../src/freshness/use-recovery.ts';
import type { FreshnessQuery } from '../src/generated/graphql.ts';

type Status = FreshnessQuery['replicationStatus'];

const statusOf = (...replicas: [name: string, lagSeconds: number | null, isReadFrom?: boolean][]) =>
  ({
    replicas: replicas.map(([name, lagSeconds, isReadFrom = true]) => ({ name, lagSeconds, isReadFrom })),
  }) as unknown as Status;

test('the age is that of the answer and grows, whatever the standby does meanwhile', () => {
  const answer = { replica: { name: 'a', asOf: null, stalenessSeconds: 0.4 }, sentAt: 10_000 };
  assert.equal(ageOf(answer, 10_000), 0.4);
  assert.equal(ageOf(answer, 54_000), 44.4);
  assert.equal(ageOf(answer, 9000), 0.4, 'a clock that was put back makes nothing younger');
  assert.equal(ageOf({ ...answer, replica: null }, 54_000), null);
  assert.equal(ageOf({ ...answer, replica: { ...answer.replica, stalenessSeconds: null } }, 54_000), null);
});

test('an age is rounded up: a bound stays one', () => {
  assert.deepEqual([0, 0.41, 1.91, 2.1, 44.01].map(shownAge), [0, 0.5, 2, 3, 45]);
});

test('the present lag is that of the standby that answered, as long as it is read from', () => {
  assert.equal(presentLag(statusOf(['a', 0.2], ['b', 9]), 'b'), 9);
  assert.equal(presentLag(statusOf(['a', 0.2], ['b', 9, false]), 'b'), 0.2);
  assert.equal(
    presentLag(statusOf(['a', 0.2], ['c', 3], ['b', null, false]), 'b'),
    3,
    'the worst of the others',
  );
  assert.equal(presentLag(statusOf(['b', 9, false]), 'b'), 9, 'when there is no other');
  assert.equal(presentLag(statusOf(['a', null]), undefined), null);
  assert.equal(presentLag(statusOf(), 'b'), null);
});

test('a request is asked again when a standby can answer it', () => {
  const status = statusOf(['a', 2], ['b', 0.2, false], ['c', null]);
  assert.deepEqual(
    [null, 1, 5].map((limit) => canAnswer(status, limit)),
    [true, false, true],
  );
  assert.equal(canAnswer(statusOf(['b', 0.2, false]), null), false);
});

test('what failed by itself passes by itself; what was refused, or too slow, does not', () => {
  const kinds = [
    'GATEWAY_UNREACHABLE',
    'REPLICA_TOO_STALE',
    'UNAUTHENTICATED',
    'QUERY_TIMEOUT',
    'BAD_REQUEST',
  ];
  assert.deepEqual(
    kinds.map((code) => isPassing(new GatewayError('', { code }))),
    [true, true, true, false, false],
  );
});

test('a part that failed alone is requested again, later, and only where it may pass', () => {
  const answered = (code: string, retryable: boolean) => ({
    status: 'success' as const,
    error: null,
    data: { data: {}, errors: [{ message: '', path: ['country'], extensions: { code, retryable } }] },
    dataUpdatedAt: 10_000,
  });
  assert.equal(isWorthAgain(answered('REPLICA_CONFLICT', true), 15_000), true);
  assert.equal(isWorthAgain(answered('REPLICA_CONFLICT', true), 14_000), false);
  assert.equal(isWorthAgain(answered('QUERY_TIMEOUT', true), 15_000), false);
  assert.equal(isWorthAgain(answered('BAD_VALUE', false), 15_000), false);
  assert.equal(isWorthAgain({ ...answered('', false), data: undefined }, 15_000), false);
});
