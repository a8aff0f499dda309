import { expect, test } from 'vitest';
import { negotiateDelivery, partsFormatOf } from '../../src/graphql/accept.ts';

const json = (mediaType: string, acceptsParts = false) => ({ kind: 'json', mediaType, acceptsParts });
const plain = json('application/json');
const graphql = json('application/graphql-response+json');

test.each([
  [null, plain],
  ['', plain],
  ['*/*', plain],
  ['application/json', plain],
  ['application/*', plain],
  ['Application/JSON', plain],
  ['application/json; charset=utf-8', plain],
  ['application/json; charset="UTF-8"', plain],
  ['application/graphql-response+json', graphql],
  ['application/graphql-response+json, application/json;q=0.9', graphql],
  ['application/json;q=0.9, application/graphql-response+json', graphql],
  ['application/json, application/graphql-response+json', plain],
  ['application/json, text/csv', plain],
  ['image/png, */*;q=0.1', plain],
  ['text/csv', { kind: 'file', format: 'csv' }],
  ['Text/CSV; header=present', { kind: 'file', format: 'csv' }],
  ['text/csv, application/json;q=0.5', { kind: 'file', format: 'csv' }],
  ['application/json;q=0.5, application/x-ndjson', { kind: 'file', format: 'ndjson' }],
  ['text/csv;q=0, application/json', plain],
  ['text/csv;q=0', undefined],
  ['text/csv;q=0.0, application/x-ndjson', { kind: 'file', format: 'ndjson' }],
  ['multipart/mixed', { kind: 'parts' }],
  ['text/event-stream', { kind: 'parts' }],
  ['multipart/mixed;deferSpec=20220824, application/json', json('application/json', true)],
  ['multipart/mixed;deferSpec="20220824", application/json', json('application/json', true)],
  ['multipart/mixed;deferSpec=20991231, application/json', plain],
  ['multipart/mixed;deferSpec=20991231', undefined],
  ['multipart/mixed;incrementalSpec=v0.2, application/json', json('application/json', true)],
  ['multipart/mixed;q=0, application/json', plain],
  ['image/png', undefined],
  ['application/json; charset=latin1', undefined],
  ['application/json;q=nonsense', undefined],
  [`${'x/y,'.repeat(10_000)}application/json`, plain],
])('Accept: %s', (accept, expected) => {
  expect(negotiateDelivery(accept)).toEqual(expected);
});

test.each([
  ['multipart/mixed', 'current'],
  ['multipart/mixed;deferSpec=20220824, application/json', 'older'],
  [
    'multipart/mixed; boundary="-"; deferSpec=20220824,application/graphql-response+json,application/json;q=0.9',
    'older',
  ],
  ['multipart/mixed;deferSpec=20991231, multipart/mixed;q=0.5', 'current'],
  ['text/event-stream, multipart/mixed;deferSpec=20220824', 'current'],
  ['multipart/mixed;deferSpec=20220824;q=0.1, multipart/mixed', 'current'],
  [null, 'current'],
])('Accept: %s is for parts in the format %s', (accept, format) => {
  expect(partsFormatOf(accept)).toBe(format);
});
