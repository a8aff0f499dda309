import { listOf, oneOf, seconds, text, wholeNumber } from '../settings/kinds.ts';
import { type Kind, settingGroup, UnexpectedTextError } from '../settings/setting.ts';
import { compressionModes } from './encoding/encoding-policy.ts';

const origin: Kind<string> = {
  expected: 'origins such as https://portal.example',
  parse(value) {
    if (value === '*' || (URL.canParse(value) && new URL(value).origin === value)) return value;
    throw new UnexpectedTextError(value);
  },
};

export const httpSettings = settingGroup({
  title: 'HTTP',
  members: {
    host: { name: 'API_HOST', meaning: 'Address to listen on', kind: text, default: '127.0.0.1' },
    port: { name: 'API_PORT', meaning: 'Port to listen on', kind: wholeNumber(0, 65_535), default: '3001' },
    allowedOrigins: {
      name: 'ALLOWED_ORIGINS',
      meaning: 'Origins whose pages may call us from a browser (CORS), comma separated',
      kind: listOf(origin, origin.expected),
      default: '',
    },
    compression: {
      name: 'COMPRESSION',
      meaning:
        'Compression for clients that accept it: "auto" (not for those on this host or near it that keep up), "always", "off"',
      kind: oneOf(...compressionModes),
      default: 'auto',
    },
    drainTimeoutSeconds: {
      name: 'DRAIN_TIMEOUT',
      meaning: 'How long running requests may finish after SIGTERM, in seconds',
      kind: seconds,
      default: '30',
    },
  },
});
