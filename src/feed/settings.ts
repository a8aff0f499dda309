import { text, wholeNumber } from '../settings/kinds.ts';
import { settingGroup } from '../settings/setting.ts';
import type { ChangeStreamsOptions } from './change-streams.ts';

/** What arrives, and who is told. */
export const feedSettings = settingGroup({
  title: 'Subscriptions',
  members: {
    maxSubscriptions: {
      name: 'MAX_SUBSCRIPTIONS',
      meaning: 'Subscriptions that one principal may have open at once',
      kind: wholeNumber(0, 1_000_000),
      default: '10000',
    },
    maxWebSockets: {
      name: 'MAX_WEBSOCKETS',
      meaning: 'WebSockets that one principal may have open at once',
      kind: wholeNumber(0, 1_000_000),
      default: '10000',
    },
    publication: {
      name: 'FEED_PUBLICATION',
      meaning:
        'Publication of the table of calls: corrections and deletions are then told from the WAL of the standbys (level LOGICAL)',
      kind: text,
    },
    user: {
      name: 'FEED_USER',
      meaning: 'Role with REPLICATION that decodes the WAL; without it the role that reads the standbys',
      kind: text,
    },
    password: {
      name: 'FEED_PASSWORD',
      meaning: 'Password of FEED_USER',
      kind: text,
      secret: true,
    },
  },
});

/** How corrections are told; undefined: they are not. */
export function changesOf({
  publication,
  user,
  password,
}: {
  readonly publication: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
}): ChangeStreamsOptions | undefined {
  return publication === undefined ? undefined : { publication, user, password };
}
