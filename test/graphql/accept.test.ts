import { expect, test } from 'vitest';
import { acceptedParts, negotiateDelivery } from '../../src/graphql/accept.ts';

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
  ['application/json;q=0, */*', graphql],
  ['*/*, application/json;q=0', graphql],
  ['application/json;q=0, application/graphql-response+json;q=0, */*', undefined],
  ['text/csv;q=0, */*;q=0.1', plain],
  ['multipart/mixed', { kind: 'parts' }],
  ['text/event-stream', { kind: 'parts' }],
  ['multipart/mixed;deferSpec=20220824, application/json', json('application/json', true)],
  ['multipart/mixed;deferSpec="20220824", application/json', json('application/json', true)],
  ['multipart/mixed;deferSpec=20991231, application/json', plain],
  ['multipart/mixed;deferSpec=20991231', undefined],
  ['multipart/mixed;incrementalSpec=v0.2, application/json', json('application/json', true)],
  ['multipart/mixed;incrementalSpec=v0.9, application/json', plain],
  ['multipart/mixed;incrementalSpec=v0.9', undefined],
  ['multipart/mixed;q=0, application/json', plain],
  ['image/png', undefined],
  ['application/json; charset=latin1', undefined],
  ['application/json;q=nonsense', undefined],
  [`${'x/y,'.repeat(10_000)}application/json`, plain],
])('Accept: %s', (accept, expected) => {
  expect(negotiateDelivery(accept)).toEqual(expected);
});

test.each([
  ['multipart/mixed', 'current', undefined],
  ['multipart/mixed;deferSpec=20220824, application/json', 'older', 'deferSpec=20220824'],
  [
    'multipart/mixed; boundary="-"; deferSpec=20220824,application/graphql-response+json,application/json;q=0.9',
    'older',
    'deferSpec=20220824',
  ],
  ['multipart/mixed;deferSpec=20991231, multipart/mixed;q=0.5', 'current', undefined],
  ['text/event-stream, multipart/mixed;deferSpec=20220824', 'current', undefined],
  ['multipart/mixed;deferSpec=20220824;q=0.1, multipart/mixed', 'current', undefined],
  ['multipart/mixed;incrementalSpec=v0.2,application/json', 'current', 'incrementalSpec=v0.2'],
  ['multipart/mixed; incrementalspec="V0.2"', 'current', 'incrementalSpec=v0.2'],
  ['multipart/mixed;incrementalSpec=v9, multipart/mixed;deferSpec=20220824', 'older', 'deferSpec=20220824'],
  [null, 'current', undefined],
])('Accept: %s is for parts in the format %s, by the name %s', (accept, format, parameter) => {
  expect(acceptedParts(accept)).toEqual({ format, parameter });
});
