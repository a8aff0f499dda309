import { text } from '../../settings/kinds.ts';
import { settingGroup } from '../../settings/setting.ts';

export const setupSettings = settingGroup({
  title: 'Setting up servers',
  members: {
    password: {
      name: 'REPLICATION_PASSWORD',
      meaning:
        'Password of the role `replicator`, with which standbys stream; read by `setup` and `replica` alone',
      kind: text,
      secret: true,
    },
  },
});
