import { expect, test } from 'vitest';
import { classify, explain, type FailureKind, failureKinds, isLoss } from '../../src/db/failures.ts';
import {
  GatewayError,
  ReplicaConflictError,
  ReplicaFailureError,
  ReplicaLostError,
  TableChangedError,
  UnauthenticatedError,
} from '../../src/errors.ts';

const coded = (code: string) => Object.assign(new Error('in any language'), { code });

test.each([
  ['40001', 'conflict'],
  ['40P01', 'conflict'],
  ['57P01', 'gone'],
  ['57P02', 'gone'],
  ['57P04', 'gone'],
  ['57P05', 'gone'],
  ['08006', 'gone'],
  ['ECONNRESET', 'gone'],
  ['EPIPE', 'gone'],
  ['57P03', 'starting'],
  ['ECONNREFUSED', 'unreachable'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENOTFOUND', 'unreachable'],
  ['ETIMEDOUT', 'hanging'],
  ['53300', 'overloaded'],
  ['57014', 'timeout'],
  ['55P03', 'lockTimeout'],
  ['28P01', 'refused'],
  ['3D000', 'refused'],
  ['42501', 'refused'],
  ['25006', 'readOnly'],
  ['42P01', 'other'],
])('the code %s means %s, in whatever language the message is', (code, kind) => {
  expect(classify(coded(code))).toBe(kind);
});

test.each([
  ['Connection terminated unexpectedly', 'gone'],
  ['Client has encountered a connection error and is not queryable', 'gone'],
  ['Cannot use a pool after calling end on the pool', 'gone'],
  ['timeout expired', 'hanging'],
  ['Query read timeout', 'hanging'],
  ['timeout exceeded when trying to connect', 'overloaded'],
  ['connection to the past', 'other'],
])('the driver saying "%s" without a code means %s', (message, kind) => {
  expect(classify(new Error(message))).toBe(kind);
});

test.each([
  '40001',
  '57P01',
  '08006',
  '57P03',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  '53300',
  '53200',
  '55P03',
])(
  'a request that ran into %s is tried on another standby, which is told the same kind of failure',
  (code) => {
    const failure = explain(coded(code));
    expect(failure).toBeInstanceOf(ReplicaFailureError);
    expect(isLoss(classify(failure))).toBe(isLoss(classify(coded(code))));
  },
);

test('a standby that is out of connections is full, not lost', () => {
  const failure = explain(coded('53300'));
  expect(failure).toMatchObject({ code: 'OVERLOADED', retryable: true, status: 503 });
  expect(classify(failure)).toBe('overloaded');
});

test('our own pool being busy is not tried elsewhere: the others are as busy', () => {
  const failure = explain(new Error('timeout exceeded when trying to connect'));
  expect(failure).toMatchObject({ code: 'OVERLOADED' });
  expect(failure).not.toBeInstanceOf(ReplicaFailureError);
});

test.each(['42P01', '42703', '42501', '0A000', '22003'])(
  'a statement that %s says does not fit the table is tried again with another catalogue, on the same standby',
  (code) => {
    const failure = explain(coded(code));
    expect(failure).toBeInstanceOf(TableChangedError);
    expect(failure).toMatchObject({ code: 'NO_REPLICA_AVAILABLE', retryable: true, status: 503 });
  },
);

test('what has nothing to do with the standby is left as it is, to be masked', () => {
  const defects = [coded('22012'), coded('25006'), new TypeError('x is not a function'), 'a string', null];
  expect(defects.map((error) => explain(error))).toEqual(defects);
});

test('every kind with an explanation keeps what it says of the standby', () => {
  for (const [kind, traits] of Object.entries(failureKinds)) {
    if (!('explain' in traits)) continue;
    const failure = traits.explain(coded('53300'));
    expect(failure).toBeInstanceOf(GatewayError);
    expect(isLoss(classify(failure))).toBe(isLoss(kind as FailureKind));
  }
});

test('a connect that timed out hangs, although its cause was terminated', () => {
  const cause = new Error('Connection terminated unexpectedly');
  expect(classify(new Error('Connection terminated due to connection timeout', { cause }))).toBe('hanging');
});

test('an error without a meaning of its own has that of its cause, or of the first of its parts', () => {
  expect(classify(new Error('wrapped', { cause: coded('57P01') }))).toBe('gone');
  expect(classify(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')], ''))).toBe(
    'unreachable',
  );
});

test('our own errors keep what they were made from', () => {
  expect(
    [new ReplicaConflictError(), new ReplicaLostError(), new UnauthenticatedError()].map(classify),
  ).toEqual(['conflict', 'gone', 'other']);
});

test('what is no error at all means nothing', () => {
  expect(['a string', null, undefined, 7].map(classify)).toEqual(Array(4).fill('other'));
});

test('a conflict, a timeout and a full pool are no loss of the standby', () => {
  expect(
    ['conflict', 'timeout', 'lockTimeout', 'overloaded', 'other', 'readOnly'].map((kind) =>
      isLoss(kind as never),
    ),
  ).toEqual(Array(6).fill(false));
});
