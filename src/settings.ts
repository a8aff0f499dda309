import { auditSettings } from './access/audit/settings.ts';
import { budgetSettings } from './access/budget/settings.ts';
import { accessSettings } from './access/settings.ts';
import { migrateSettings } from './db/migrate/settings.ts';
import { setupSettings } from './db/setup/settings.ts';
import { sourceSettings } from './db/sources/settings.ts';
import { feedSettings } from './feed/settings.ts';
import { graphiqlSettings } from './graphiql/settings.ts';
import { documentSettings } from './graphql/settings.ts';
import { httpSettings } from './http/settings.ts';
import { numberingSettings } from './numbering/settings.ts';
import { databaseSettings, replicaSettings } from './replicas/settings.ts';
import { rollupSettings } from './rollups/settings.ts';
import { parseSettings } from './settings/parse.ts';
import { type Environment, settingGroup, type ValueOf } from './settings/setting.ts';
import { sinkSettings } from './sinks/settings.ts';
import { telemetrySettings } from './telemetry/settings.ts';

/** What a gateway is started with, in the order of the documentation. */
export const gatewaySettings = settingGroup({
  members: {
    databases: databaseSettings,
    source: sourceSettings,
    replicas: replicaSettings,
    feed: feedSettings,
    rollups: rollupSettings,
    http: httpSettings,
    graphiql: graphiqlSettings,
    access: accessSettings,
    budget: budgetSettings,
    documents: documentSettings,
    audit: auditSettings,
    numbering: numberingSettings,
    telemetry: telemetrySettings,
  },
});

export type GatewaySettings = ValueOf<typeof gatewaySettings>;

/** Every setting there is: those of a gateway, and those of commands. */
export const allSettings = settingGroup({
  members: {
    gateway: gatewaySettings,
    sinks: sinkSettings,
    migrate: migrateSettings,
    setup: setupSettings,
  },
});

/** Throws one BadSettingsError that lists every bad setting. */
export function parseGatewaySettings(env: Environment): GatewaySettings {
  return parseSettings(gatewaySettings, env);
}
