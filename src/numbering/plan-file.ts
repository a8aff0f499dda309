import { type Block, type BlockIndex, createBlockIndex } from './block-index.ts';
import { readTable, type TableReading } from './table-file.ts';

/** A file's content, how many entries it has, and what became of its lines. */
export interface Loaded<Content> extends TableReading {
  readonly content: Content;
  readonly entries: number;
}

const columns = {
  EZABPQM: /^ezabpqm$/,
  Tranche_Debut: /^tranchedebut$/,
  Tranche_Fin: /^tranchefin$/,
  Mnémo: /^mn.{0,3}mo$/,
  Territoire: /^territoire$/,
};
type PlanRow = Readonly<Record<keyof typeof columns, string>>;

const DIGITS = /^\d{1,15}$/;
const CODE = /^[\w-]{1,16}$/;

/** Reads a plan in the form of ARCEP's MAJNUM.csv. Throws as `readTable` does. */
export async function readPlan(path: string): Promise<Loaded<BlockIndex>> {
  const blocks: Block[] = [];
  const lines = new Map<string, number>();
  const share = createSharing();
  const reading = await readTable(path, columns, (row, line) => {
    const reason = reasonAgainst(row);
    if (reason !== undefined) return reason;
    const key = `${row.EZABPQM} ${row.Tranche_Debut} ${row.Tranche_Fin}`;
    const before = lines.get(key);
    if (before !== undefined) return `the same block as line ${before}`;
    lines.set(key, line);
    blocks.push({
      prefix: row.EZABPQM,
      first: row.Tranche_Debut,
      last: row.Tranche_Fin,
      holderCode: share(row.Mnémo),
      territory: row.Territoire === '' ? null : share(row.Territoire),
    });
    return undefined;
  });
  return { content: createBlockIndex(blocks), entries: blocks.length, ...reading };
}

function reasonAgainst({
  EZABPQM,
  Tranche_Debut,
  Tranche_Fin,
  Mnémo,
  Territoire,
}: PlanRow): string | undefined {
  if (!DIGITS.test(EZABPQM)) return notDigits('EZABPQM', EZABPQM);
  if (!DIGITS.test(Tranche_Debut)) return notDigits('Tranche_Debut', Tranche_Debut);
  if (!DIGITS.test(Tranche_Fin)) return notDigits('Tranche_Fin', Tranche_Fin);
  if (Tranche_Debut.length !== Tranche_Fin.length) return 'Tranche_Debut and Tranche_Fin differ in length';
  if (Tranche_Debut > Tranche_Fin) return 'Tranche_Debut is above Tranche_Fin';
  if (!Tranche_Debut.startsWith(EZABPQM) || !Tranche_Fin.startsWith(EZABPQM)) {
    return `Tranche_Debut and Tranche_Fin do not both begin with ${EZABPQM}`;
  }
  if (!CODE.test(Mnémo)) return Mnémo === '' ? 'Mnémo is empty' : `Mnémo is no code: "${short(Mnémo)}"`;
  return Territoire.length > 100 ? 'Territoire is longer than 100 letters' : undefined;
}

function notDigits(column: string, text: string): string {
  return `${column} is not a number: "${short(text)}"`;
}

function short(text: string): string {
  return text.length > 20 ? `${text.slice(0, 20)}…` : text;
}

/** One copy of texts that come again and again. */
function createSharing(): (text: string) => string {
  const texts = new Map<string, string>();
  return (text) => {
    const shared = texts.get(text);
    if (shared !== undefined) return shared;
    texts.set(text, text);
    return text;
  };
}
