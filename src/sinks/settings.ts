import { bearerToken, httpUrl, listOf, matching, text, wholeNumber } from '../settings/kinds.ts';
import { settingGroup, type ValueOf } from '../settings/setting.ts';

const fieldName = matching('fields of Cdr such as cld', /^[a-z][A-Za-z]*$/);

/** Read by `publish` alone. */
export const sinkSettings = settingGroup({
  title: 'Publishing changes',
  members: {
    from: {
      name: 'PUBLISH_FROM',
      meaning:
        'Gateways whose feed `publish` reads, one after the other when one fails; read by `publish` alone',
      kind: listOf(httpUrl, 'URLs such as http://127.0.0.1:3001/graphql, comma separated'),
      example: 'http://127.0.0.1:3001/graphql',
      default: '',
    },
    token: {
      name: 'PUBLISH_TOKEN',
      meaning: 'Its bearer token there: what that may see is published',
      kind: bearerToken,
      secret: true,
    },
    to: {
      name: 'PUBLISH_TO',
      meaning:
        'Where changes are published: a Redis, or a NATS with JetStream; with a password in the URL if it wants one',
      kind: matching(
        'a URL such as redis://:secret@redis:6379/0 or nats://user:secret@nats:4222; rediss:// and tls:// for TLS',
        /^(rediss?|nats|tls):\/\/\S+$/,
      ),
      mayHoldPassword: true,
      example: 'redis://127.0.0.1:6379',
    },
    stream: {
      name: 'PUBLISH_STREAM',
      meaning: 'Name of the stream there; no two publishers may have the same',
      kind: matching('a name of letters, digits and : _ -', /^[\w:-]{1,200}$/),
      default: 'cdr-changes',
    },
    maxLength: {
      name: 'PUBLISH_MAX_LENGTH',
      meaning:
        'Messages that the stream keeps; 0 = all. One of NATS that is there already keeps what it was told to',
      kind: wholeNumber(0, 1_000_000_000),
      default: '1000000',
    },
    fields: {
      name: 'PUBLISH_FIELDS',
      meaning:
        'Fields of Cdr that are published beside id and accountId; numbers (cli, cld) are personal data',
      kind: listOf(fieldName, fieldName.expected),
      default:
        'customerId,connectTime,durationSeconds,billedSeconds,chargedAmount,currency,disconnectCause,outcome,country',
    },
    host: {
      name: 'PUBLISH_HOST',
      meaning: 'Address where `publish` answers /livez, /readyz and /metrics',
      kind: text,
      default: '127.0.0.1',
    },
    port: {
      name: 'PUBLISH_PORT',
      meaning: 'Its port',
      kind: wholeNumber(0, 65_535),
      default: '3002',
    },
  },
});

export type SinkSettings = ValueOf<typeof sinkSettings>;
