import type { Loaded } from './plan-file.ts';
import { readTable } from './table-file.ts';

/** Names by code. */
export type Operators = ReadonlyMap<string, string>;

const columns = {
  IDENTITE_OPERATEUR: /^identiteoperateur$/,
  CODE_OPERATEUR: /^codeoperateur$/,
};

const MAX_NAME_LENGTH = 200;

/** Reads operators in the form of ARCEP's identifiants_CE.csv. Throws as `readTable` does. */
export async function readOperators(path: string): Promise<Loaded<Operators>> {
  const names = new Map<string, string>();
  const reading = await readTable(path, columns, ({ IDENTITE_OPERATEUR, CODE_OPERATEUR: code }) => {
    const name = IDENTITE_OPERATEUR.replaceAll(/\s+/g, ' ');
    if (code === '') return 'CODE_OPERATEUR is empty';
    if (name === '') return 'IDENTITE_OPERATEUR is empty';
    if (name.length > MAX_NAME_LENGTH) return `IDENTITE_OPERATEUR is longer than ${MAX_NAME_LENGTH} letters`;
    const known = names.get(code);
    if (known !== undefined && known !== name) return `${code.slice(0, 20)} has another name already`;
    names.set(code, name);
    return undefined;
  });
  return { content: names, entries: names.size, ...reading };
}
