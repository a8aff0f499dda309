import { parseArgs } from 'node:util';
import { auditSettings } from '../access/audit/settings.ts';
import { verifyAudit } from '../access/audit/verify.ts';
import { parseSettings } from '../settings/parse.ts';
import type { Environment } from '../settings/setting.ts';

export const auditHelp = `Usage: cdr-gateway audit verify [--file FILE] [--hash HASH]

Reads AUDIT_FILE, with the files of it that are closed, and AUDIT_KEY; says which lines were altered, removed or moved.

  --file FILE   In place of AUDIT_FILE
  --hash HASH   A line with this hash must be there: one that was written down elsewhere, as from the gateway's log

Exit code: 0 every line is as it was written, 1 one is not, 2 nothing could be read.
`;

/** Resolves with the exit code. */
export async function audit(
  args: readonly string[],
  env: Environment,
  print: (line: string) => void,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { file: { type: 'string' }, hash: { type: 'string' } },
  });
  const { file: set, key } = parseSettings(auditSettings, env);
  const file = values.file ?? set;
  if (positionals.join(' ') !== 'verify' || file === undefined) {
    print(auditHelp.trimEnd());
    return 2;
  }
  const { files, lines, first, last, problems } = await verifyAudit({ file, key, hash: values.hash });
  if (lines === 0) {
    print(`There is no line in ${file}.`);
    for (const problem of problems) print(`  ${problem}`);
    return problems.length > 0 ? 1 : 2;
  }
  for (const problem of problems) print(`  ${problem}`);
  const range = `${lines} lines of ${files} files, number ${first} to ${last!.sequence}`;
  const deleted = first! > 1 ? ` Lines before number ${first} are in files that are no longer here.` : '';
  print(
    problems.length === 0
      ? `Every line is as it was written: ${range}, the last with hash ${last!.hash}.${deleted}`
      : `The audit was changed after it was written: ${range}.${deleted}`,
  );
  return problems.length === 0 ? 0 : 1;
}
