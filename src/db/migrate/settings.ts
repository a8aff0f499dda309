import { postgresUrl, text } from '../../settings/kinds.ts';
import { settingGroup } from '../../settings/setting.ts';

export const migrateSettings = settingGroup({
  title: 'Migrations',
  members: {
    url: {
      name: 'MIGRATE_URL',
      meaning: 'The primary, as the owner of the tables; read by `migrate` alone, before PRIMARY_URL',
      kind: postgresUrl,
      secret: true,
    },
    gatewayPassword: {
      name: 'GATEWAY_PASSWORD',
      meaning:
        'Password that `migrate up` gives to the role gateway; without it the role keeps the one it has',
      kind: text,
      secret: true,
    },
  },
});
