import { expect, test } from 'vitest';
import { ReplicaConflictError, ReplicaLostError, UnauthenticatedError } from '../../src/errors.ts';
import { classify, isLoss } from '../../src/replicas/classify.ts';

const coded = (code: string, message = 'in any language') => Object.assign(new Error(message), { code });

test.each([
  [coded('40001'), 'conflict'],
  [coded('40P01'), 'conflict'],
  [new ReplicaConflictError(), 'conflict'],
  [coded('57P01'), 'gone'],
  [coded('57P02'), 'gone'],
  [coded('57P04'), 'gone'],
  [coded('57P05'), 'gone'],
  [coded('08006'), 'gone'],
  [coded('ECONNRESET'), 'gone'],
  [coded('EPIPE'), 'gone'],
  [new Error('Connection terminated unexpectedly'), 'gone'],
  [new Error('Client has encountered a connection error and is not queryable'), 'gone'],
  [new Error('Cannot use a pool after calling end on the pool'), 'gone'],
  [new ReplicaLostError(), 'gone'],
  [coded('57P03'), 'starting'],
  [coded('ECONNREFUSED'), 'unreachable'],
  [coded('EHOSTUNREACH'), 'unreachable'],
  [coded('ENOTFOUND'), 'unreachable'],
  [new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')], ''), 'unreachable'],
  [coded('ETIMEDOUT'), 'hanging'],
  [new Error('timeout expired'), 'hanging'],
  [new Error('Query read timeout'), 'hanging'],
  [
    new Error('Connection terminated due to connection timeout', {
      cause: new Error('Connection terminated unexpectedly'),
    }),
    'hanging',
  ],
  [new Error('timeout exceeded when trying to connect'), 'overloaded'],
  [coded('53300'), 'overloaded'],
  [coded('57014'), 'timeout'],
  [coded('55P03'), 'lockTimeout'],
  [coded('28P01'), 'refused'],
  [coded('3D000'), 'refused'],
  [coded('42501'), 'refused'],
  [coded('25006'), 'readOnly'],
  [new Error('wrapped', { cause: coded('57P01') }), 'gone'],
  [coded('42P01'), 'other'],
  [new UnauthenticatedError(), 'other'],
  [new Error('connection to the past'), 'other'],
  ['a string', 'other'],
  [null, 'other'],
])('%s is %s', (error, kind) => {
  expect(classify(error)).toBe(kind);
});

test('a conflict, a timeout and a full pool are no loss of the standby', () => {
  expect(
    ['conflict', 'timeout', 'lockTimeout', 'overloaded', 'other', 'readOnly'].map((kind) =>
      isLoss(kind as never),
    ),
  ).toEqual(Array(6).fill(false));
});
