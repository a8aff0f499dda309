import { oneOf } from '../../settings/kinds.ts';
import { settingGroup } from '../../settings/setting.ts';
import type { SourceName } from './model.ts';

export const sourceSettings = settingGroup({
  title: 'Source of the calls',
  members: {
    name: {
      name: 'CDR_SOURCE',
      meaning: 'Where calls are read: "xdrs" (one table) or "sippy" (cdrs joined with calls)',
      kind: oneOf<SourceName>('xdrs', 'sippy'),
      default: 'xdrs',
    },
  },
});
