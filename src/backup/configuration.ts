import { readFile } from 'node:fs/promises';
import { BackupError } from './backup-error.ts';

/** What pgBackRest is configured with: by section, its lines in their order. */
export interface Configuration {
  readonly file: string;
  readonly sections: ReadonlyMap<string, readonly Option[]>;
}

type Option = readonly [name: string, value: string];

/** Throws a BackupError where it cannot be read. */
export async function readConfiguration(file: string): Promise<Configuration> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new BackupError(`${file} is not there: "cdr-gateway backup plan" prints it.`);
    throw new BackupError(`${file} cannot be read (${error.code}): run this as the user that owns it.`);
  });
  const sections = new Map<string, Option[]>();
  let section: Option[] | undefined;
  for (const line of text.split('\n').map((each) => each.trim())) {
    const name = /^\[([^\]]+)\]$/.exec(line)?.[1];
    const option = /^([a-z0-9-]+)\s*=\s*(.*)$/.exec(line);
    if (name !== undefined) {
      section = sections.get(name) ?? [];
      sections.set(name, section);
    } else if (option && section) section.push([option[1]!, option[2]!]);
  }
  return { file, sections };
}

/** The stanza that is wanted, or the only one. Throws a BackupError that names those there are. */
export function findStanza({ file, sections }: Configuration, wanted: string | undefined): string {
  const stanzas = [...sections.keys()].filter((name) => !/^global(:|$)/.test(name) && !name.includes(':'));
  if (wanted !== undefined && stanzas.includes(wanted)) return wanted;
  if (wanted === undefined && stanzas.length === 1) return stanzas[0]!;
  const known = stanzas.length === 0 ? 'it has none' : `it has ${stanzas.join(', ')}`;
  throw new BackupError(
    wanted === undefined
      ? `${file} does not say which stanza: ${known}.`
      : `${file} has no stanza "${wanted}": ${known}.`,
  );
}

/**
 * The same for a restore into `dataDir`: where the servers of the stanza lie is left out, so that nothing which is done with it
 * can reach them.
 */
export function restoreConfiguration({ sections }: Configuration, stanza: string, dataDir: string): string {
  const wanted = ['global', 'global:restore', stanza, `${stanza}:restore`];
  const options = wanted.flatMap((name) => sections.get(name) ?? []);
  const kept = options.filter(
    ([name]) => !/^(pg\d*-|tls-server-|backup-standby$|expire-auto$|spool-path$)/.test(name),
  );
  const lines = kept.map(([name, value]) => `${name}=${value}`);
  return ['[global]', ...lines, `[${stanza}]`, `pg1-path=${dataDir}`, ''].join('\n');
}
