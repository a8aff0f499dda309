import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own, gone when the test has ended. */
export function createDirectory(): {
  path(name: string): string;
  write(name: string, content: string | Buffer): string;
} & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'numbering-'));
  const path = (name: string) => join(directory, name);
  return {
    path,
    write(name, content) {
      writeFileSync(path(name), content);
      return path(name);
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export const PLAN_HEADER = 'EZABPQM;Tranche_Debut;Tranche_Fin;Mnémo;Territoire;Date_Attribution';

/** A plan of whole blocks: `aPlan(['0612', 'AAAA'])`. */
export function aPlan(...blocks: readonly (readonly [prefix: string, code: string])[]): string {
  const lines = blocks.map(
    ([prefix, code]) =>
      `${prefix};${prefix.padEnd(10, '0')};${prefix.padEnd(10, '9')};${code};Métropole;01/01/2026`,
  );
  return `${[PLAN_HEADER, ...lines].join('\n')}\n`;
}

/** As the regulator encodes its files. */
export function inWindows1252(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
