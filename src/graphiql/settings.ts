import { boolean } from '../settings/kinds.ts';
import { settingGroup } from '../settings/setting.ts';

export const graphiqlSettings = settingGroup({
  members: {
    isServed: {
      name: 'GRAPHIQL',
      meaning: 'Serve GraphiQL to browsers at /graphql',
      kind: boolean,
      default: 'true',
    },
  },
});
