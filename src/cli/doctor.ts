import { type Environment, parseDatabases, parseNumbering } from '../config.ts';
import { doctor as examineDatabases } from '../db/catalogue/catalogue-doctor.ts';
import { examineNumbering } from './numbering-check.ts';

/** Looks at everything the gateway would use. Exit code 0 all is well, 1 it works with warnings, 2 it would not start. */
export async function doctor(env: Environment, print: (line: string) => void): Promise<number> {
  const { replicaUrls, cdrSource } = parseDatabases(env);
  const files = parseNumbering(env);
  const ofDatabases = await examineDatabases(replicaUrls, cdrSource, print);
  const isNumberingWell = await examineNumbering(files, print);
  return Math.max(ofDatabases, isNumberingWell ? 0 : 1);
}
