import type { Browser } from 'playwright-core';
import { type RunningExplorer, startExplorer } from './explorer-process.ts';
import { type Databases, type RunningGateway, startDatabases, startGateway } from './gateway-process.ts';
import { startBrowser, type Visit, type VisitOptions, visit } from './visit.ts';
import { startWire, type Wire } from './wire.ts';

/** Everything that a test in the browser stands on, all of it real. */
export interface World {
  readonly databases: Databases;
  readonly gateway: RunningGateway;
  readonly wire: Wire;
  readonly explorer: RunningExplorer;
  readonly browser: Browser;
  visit(options?: VisitOptions): Promise<Visit>;
  stop(): Promise<void>;
}

/** So that lag is seen within a test: amber and red come soon. */
export const thresholds = { amber: 3, red: 6 };

export async function startWorld(cdrs: number, chromium: string): Promise<World> {
  const databases = await startDatabases(cdrs);
  const gateway = await startGateway(databases);
  const wire = await startWire(gateway.url);
  const explorer = await startExplorer({
    gatewayUrl: wire.url,
    accountId: databases.accountId,
    env: {
      AMBER_SECONDS: String(thresholds.amber),
      RED_SECONDS: String(thresholds.red),
      GATEWAY_TIMEOUT: '8',
    },
  });
  const browser = await startBrowser(chromium);
  return {
    databases,
    gateway,
    wire,
    explorer,
    browser,
    visit: (options) => visit(browser, explorer, options),
    async stop() {
      await browser.close();
      await explorer.stop();
      await wire.stop();
      await gateway.stop();
      await databases.stop();
    },
  };
}
