import assert from 'node:assert/strict';
import { crc32, inflateRawSync } from 'node:zlib';

/** A cell as a spreadsheet has it: its type, what it holds, and how numbers are shown. */
export interface Cell {
  readonly type: 'text' | 'number';
  readonly value: string;
  readonly format: string | undefined;
}

export interface Sheet {
  readonly name: string;
  /** The number of the last row. */
  readonly rows: number;
  /** The cells of a row by their column: `A`. Rows are counted from 1. */
  row(number: number): ReadonlyMap<string, Cell>;
}

/** The files of an archive, by the directory at its end, each checked against its sum. */
export function readZip(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  assert.ok(end >= 0, 'an archive has a directory');
  const files = new Map<string, Buffer>();
  let at = bytes.readUInt32LE(end + 16);
  for (let count = bytes.readUInt16LE(end + 10); count > 0; count--) {
    assert.equal(bytes.readUInt32LE(at), 0x02014b50);
    const [method, sum, packed, size] = [
      bytes.readUInt16LE(at + 10),
      bytes.readUInt32LE(at + 16),
      bytes.readUInt32LE(at + 20),
      bytes.readUInt32LE(at + 24),
    ];
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength!);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(start, start + packed);
    const file = method === 8 ? inflateRawSync(content) : content;
    assert.deepEqual([file.length, crc32(file)], [size, sum], name);
    files.set(name, file);
    at += 46 + nameLength! + extra! + comment!;
  }
  return files;
}

/** The sheets of a workbook in their order. */
export function readXlsx(bytes: Buffer): readonly Sheet[] {
  const files = readZip(bytes);
  const xml = (name: string) => {
    const text = files.get(name)?.toString('utf8');
    assert.ok(text, `there is ${name}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has none of them
    assert.doesNotMatch(text, /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/, `${name} is XML`);
    return text;
  };
  assert.match(xml('[Content_Types].xml'), /spreadsheetml\.sheet\.main\+xml/);
  const relations = new Map(
    [...xml('xl/_rels/workbook.xml.rels').matchAll(/<Relationship\b[^>]*>/g)].map(([tag]) => [
      attribute(tag, 'Id')!,
      attribute(tag, 'Target')!,
    ]),
  );
  const formats = formatsOf(xml('xl/styles.xml'));
  return [...xml('xl/workbook.xml').matchAll(/<sheet\b[^>]*>/g)].map(([tag]) => {
    const target = relations.get(attribute(tag, 'r:id')!)!;
    const sheet = xml(`xl/${target.replace(/^\/?(?:xl\/)?/, '')}`);
    const last = sheet.lastIndexOf('<row ');
    return {
      name: attribute(tag, 'name')!,
      rows: Number(attribute(sheet.slice(last, sheet.indexOf('>', last)), 'r')),
      row(number) {
        // Only what is looked at is taken apart: there may be a hundred thousand rows.
        const start = sheet.indexOf(`<row r="${number}"`);
        return start < 0 ? new Map() : cellsOf(sheet.slice(start, sheet.indexOf('</row>', start)), formats);
      },
    };
  });
}

function cellsOf(row: string, formats: readonly (string | undefined)[]): Map<string, Cell> {
  const cells = [...row.matchAll(/<c\b([^>]*?)(?:\/>|>(.*?)<\/c>)/gs)].flatMap(([, tag, inner = '']) => {
    const type = attribute(tag!, 't');
    const format = formats[Number(attribute(tag!, 's') ?? 0)];
    const text = /<t\/>()|<(?:t|v)\b[^>]*>(.*?)<\/(?:t|v)>/s
      .exec(inner)
      ?.slice(1)
      .find((found) => found !== undefined);
    if (text === undefined) return [];
    assert.ok(type === undefined || type === 'inlineStr', `no cell is a formula, nor of the type ${type}`);
    const cell: Cell = {
      type: type ? 'text' : 'number',
      value: unescaped(text),
      format,
    };
    return [[attribute(tag!, 'r')!.replace(/\d+$/, ''), cell] as const];
  });
  return new Map(cells);
}

function formatsOf(styles: string): (string | undefined)[] {
  const own = new Map(
    [...styles.matchAll(/<numFmt\b[^>]*>/g)].map(([tag]) => [
      attribute(tag, 'numFmtId'),
      attribute(tag, 'formatCode'),
    ]),
  );
  const used = /<cellXfs\b.*?<\/cellXfs>/s.exec(styles)?.[0] ?? '';
  return [...used.matchAll(/<xf\b[^>]*>/g)].map(([tag]) => own.get(attribute(tag, 'numFmtId')));
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : unescaped(value);
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** As ECMA-376 has it: characters that XML cannot hold are `_x000D_`. */
function unescaped(text: string): string {
  return text
    .replaceAll(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole)
    .replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}
