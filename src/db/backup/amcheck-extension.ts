import { executeAll, selectFrom } from './calls-reader.ts';

/** Installs what pg_amcheck calls into every database that has it not. Resolves with what removes it from these again. */
export async function installAmcheck(urlOf: (database: string) => string): Promise<() => Promise<void>> {
  const databases = await selectFrom<{ name: string }>(
    urlOf('postgres'),
    'select datname as name from pg_database where datallowconn',
  );
  const installed: string[] = [];
  for (const { name } of databases) {
    const found = await selectFrom(
      urlOf(name),
      "select 1 as one from pg_extension where extname = 'amcheck'",
    );
    if (found.length > 0) continue;
    await executeAll(urlOf(name), ['create extension amcheck with schema pg_catalog']);
    installed.push(name);
  }
  return async () => {
    for (const name of installed) await executeAll(urlOf(name), ['drop extension amcheck']);
  };
}
