import { filePath, seconds, text, wholeNumber } from '../settings/kinds.ts';
import { settingGroup, type ValueOf } from '../settings/setting.ts';

/** What is kept of the calls beside the gateway. */
export const rollupSettings = settingGroup({
  title: 'Rollups',
  members: {
    file: {
      name: 'ROLLUPS_FILE',
      meaning:
        'Where `rollups` keeps sums of the calls, and gateways beside it read them: statistics are then answered from there where that is possible',
      kind: filePath,
      example: '/var/lib/cdr-gateway/rollups.db',
    },
    maxAgeSeconds: {
      name: 'ROLLUPS_MAX_AGE',
      meaning: 'Sums that may be older are not used by the gateway; seconds',
      kind: seconds,
      default: '15',
    },
    host: {
      name: 'ROLLUPS_HOST',
      meaning: 'Address where `rollups` answers /livez, /readyz and /metrics',
      kind: text,
      default: '127.0.0.1',
    },
    port: {
      name: 'ROLLUPS_PORT',
      meaning: 'Its port',
      kind: wholeNumber(0, 65_535),
      default: '3003',
    },
  },
});

export type RollupSettings = ValueOf<typeof rollupSettings>;
