import { bearerToken, filePath, wholeNumber } from '../../settings/kinds.ts';
import { settingGroup, type ValueOf } from '../../settings/setting.ts';

export const auditSettings = settingGroup({
  title: 'Audit',
  members: {
    file: {
      name: 'AUDIT_FILE',
      meaning:
        'Who has read which calls, one line a request, each chained to the one before; none when unset',
      kind: filePath,
      example: '/var/log/cdr-gateway/audit.ndjson',
    },
    key: {
      name: 'AUDIT_KEY',
      meaning: 'Secret of the chain: without it, who can write the file can also make a new chain',
      kind: bearerToken,
      secret: true,
    },
    maxMegabytes: {
      name: 'AUDIT_MAX_MB',
      meaning: 'A file of the audit is closed at this size, and at the end of a day (UTC)',
      kind: wholeNumber(1, 100_000),
      default: '64',
    },
    keepDays: {
      name: 'AUDIT_KEEP_DAYS',
      meaning: 'Closed files of the audit are deleted after so many days; 0 = never',
      kind: wholeNumber(0, 36_500),
      default: '365',
    },
  },
});

export type AuditSettings = ValueOf<typeof auditSettings>;
