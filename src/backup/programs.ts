import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BackupError } from './backup-error.ts';

/** PostgreSQL's programs of one major. */
export interface Programs {
  readonly postgres: string;
  readonly controldata: string;
  /** Undefined where it is not installed. */
  readonly amcheck: string | undefined;
}

export interface FindProgramsOptions {
  /** Where they are; the usual places otherwise. */
  readonly directory?: string | undefined;
  /** The environment's PATH. */
  readonly path?: string | undefined;
}

/** Debian, RPM packages of PostgreSQL, FreeBSD and what is built from source. */
const usualPlaces = (major: number): readonly string[] => [
  `/usr/lib/postgresql/${major}/bin`,
  `/usr/pgsql-${major}/bin`,
  `/usr/local/pgsql/bin`,
  `/usr/local/bin`,
  `/usr/bin`,
];

/** Throws a BackupError where the major is not installed here. */
export function findPrograms(major: number, { directory, path = '' }: FindProgramsOptions): Programs {
  const places = directory === undefined ? [...usualPlaces(major), ...path.split(delimiter)] : [directory];
  const place = places.find((each) => each !== '' && majorOf(join(each, 'postgres')) === major);
  if (place === undefined) {
    const where = directory ?? `here: apt-get install postgresql-${major}, or name its programs with --bin`;
    throw new BackupError(
      `PostgreSQL ${major}, which the backup is of, is not installed ${directory ? 'in ' : ''}${where}.`,
    );
  }
  const amcheck = join(place, 'pg_amcheck');
  return {
    postgres: join(place, 'postgres'),
    controldata: join(place, 'pg_controldata'),
    amcheck: existsSync(amcheck) ? amcheck : undefined,
  };
}

function majorOf(postgres: string): number {
  if (!existsSync(postgres)) return 0;
  const { stdout } = spawnSync(postgres, ['--version'], { encoding: 'utf8' });
  return Number.parseInt(/\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1] ?? '0', 10);
}
