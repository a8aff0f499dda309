import { parseArgs } from 'node:util';
import { migrateDown, migrateSql, migrateStatus, migrateUp } from '../db/migrate/migrate.ts';
import { migrateSettings } from '../db/migrate/settings.ts';
import { expandHosts, splitUrls } from '../replicas/connection-url.ts';
import { databaseSettings } from '../replicas/settings.ts';
import { parseSettings } from '../settings/parse.ts';
import { type Environment, settingGroup } from '../settings/setting.ts';

/** Read only where the URL is not an argument. */
const urlSettings = settingGroup({
  members: { owner: migrateSettings.members.url, primaryUrl: databaseSettings.members.primaryUrl },
  // Of several that may be the primary the first is taken: --url names another.
  combine: ({ owner, primaryUrl }) => owner ?? (primaryUrl && splitUrls(primaryUrl).flatMap(expandHosts)[0]),
});

const passwordSettings = settingGroup({
  members: { gatewayPassword: migrateSettings.members.gatewayPassword },
});

const help = `Usage: cdr-gateway migrate <up|down|status|sql> [--url URL] [--all] [--with NAME]

  up      Create what is missing: development tables, indexes (CONCURRENTLY), the gateway's roles
  down    Undo the newest migration; --all undoes every one. Tables of the switch are never dropped
  status  What is done, what is pending, which indexes are half-built
  sql     Print the statements instead of running them

  --with NAME An optional migration as well (down: it alone). row_security: PostgreSQL itself keeps tenants apart;
              ledger: corrections and deletions of calls are noted, so that subscriptions tell them
  --url URL   The primary, as the owner of the tables (default: MIGRATE_URL, then PRIMARY_URL)

GATEWAY_PASSWORD sets the password of the role gateway; without it the role keeps the one it has.
`;

/** Resolves with the exit code. */
export async function migrate(
  args: readonly string[],
  env: Environment,
  log: (line: string) => void,
): Promise<number> {
  const { values, positionals } = parse(args);
  const [action, ...others] = positionals;
  if (values.help || action === 'help') {
    log(help.trimEnd());
    return 0;
  }
  const url = values.url ?? parseSettings(urlSettings, env);
  const actions: Readonly<Record<string, (url: string) => Promise<void>>> = {
    up: (url) => migrateUp(url, log, { ...parseSettings(passwordSettings, env), optional: values.with }),
    down: (url) => migrateDown(url, log, { all: values.all ?? false, optional: values.with ?? [] }),
    status: (url) => migrateStatus(url, log),
    sql: (url) => migrateSql(url, log, values.with),
  };
  const run = action !== undefined && Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (!run || others.length > 0) {
    log(help.trimEnd());
    return 2;
  }
  if (!url) {
    log('Say which primary: --url postgresql://owner:password@primary:5432/sippy, or MIGRATE_URL.');
    return 2;
  }
  await run(url);
  return 0;
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      all: { type: 'boolean' },
      with: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
}
