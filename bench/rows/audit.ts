import { join } from 'node:path';
import { startGateway } from '../gateway.ts';
import type { Row } from '../line.ts';
import { accountSettings, compareInTurns, kindsOf } from './row-security.ts';

/** The same page with a line of the audit for each and without, in turns. */
export const auditRow: Row = {
  name: 'audit',
  title: 'the audit on and off',
  async measure(stage) {
    const { database, scratchDir } = stage;
    const options = { databaseUrl: database.url, scratchDir };
    const settings = {
      ...accountSettings,
      AUDIT_FILE: join(scratchDir, 'audit.ndjson'),
      AUDIT_KEY: 'key-of-the-audit-of-the-benchmark',
    };
    await using off = await startGateway({ ...options, settings: accountSettings });
    await using on = await startGateway({ ...options, settings });
    const [page] = kindsOf(stage);
    return [await compareInTurns(stage, { ...page!, title: `audit: ${page!.title}` }, [off, on])];
  },
};
