import { doctor as examineDatabases } from '../db/catalogue/catalogue-doctor.ts';
import { sourceSettings } from '../db/sources/settings.ts';
import { numberingSettings } from '../numbering/settings.ts';
import { databaseSettings } from '../replicas/settings.ts';
import { parseSettings } from '../settings/parse.ts';
import { type Environment, settingGroup } from '../settings/setting.ts';
import { examineNumbering } from './numbering-check.ts';

const doctorSettings = settingGroup({
  members: { databases: databaseSettings, source: sourceSettings, numbering: numberingSettings },
});

/** Looks at everything the gateway would use. Exit code 0 all is well, 1 it works with warnings, 2 it would not start. */
export async function doctor(env: Environment, print: (line: string) => void): Promise<number> {
  const { databases, source, numbering } = parseSettings(doctorSettings, env);
  const exitCode = await examineDatabases(databases.replicaUrls, source.name, print);
  const isNumberingWell = await examineNumbering(numbering, print);
  return Math.max(exitCode, isNumberingWell ? 0 : 1);
}
