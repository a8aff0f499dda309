import { appendFile, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuditLog, type AuditLogOptions } from '../../../src/access/audit/audit-log.ts';
import { verifyAudit } from '../../../src/access/audit/verify.ts';
import { audit } from '../../../src/cli/audit.ts';

const logger = pino({ level: 'silent' });
const DAY = 86_400_000;
const KEY = 'a-key-of-thirty-two-characters-or-more';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'audit-'));
  file = join(directory, 'audit.ndjson');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(count: number, options: Partial<AuditLogOptions> = {}): Promise<void> {
  const log = await AuditLog.open({ file, key: KEY, maxMegabytes: 64, keepDays: 365, logger, ...options });
  for (let index = 0; index < count; index++)
    log.write({ at: 'now', subject: `tenant ${index % 7}`, rows: index });
  await log.close();
}

const verify = () => verifyAudit({ file, key: KEY });

describe('the audit', () => {
  test('goes on where it ended, and holds', async () => {
    await write(20);
    await write(15);
    expect(await verify()).toMatchObject({ files: 1, lines: 36, first: 1, problems: [] });
    const [, first] = (await readFile(file, 'utf8')).split('\n');
    expect(JSON.parse(first!)).toMatchObject({ sequence: 2, subject: 'tenant 0', rows: 0 });
  });

  test('shows every line that was altered, removed, moved or doubled, and lines cut off the end', async () => {
    await write(40);
    const whole = await readFile(file, 'utf8');
    const lines = whole.trimEnd().split('\n');
    const index = fc.nat({ max: lines.length - 1 });
    const withoutNothing = (changed: string[]) => changed.join('\n') !== lines.join('\n');
    const changes = fc.oneof(
      fc.tuple(index, fc.nat({ max: 400 }), fc.constantFrom(...'0aA9x ')).map(([at, place, letter]) => {
        const line = lines[at]!;
        const position = place % line.length;
        return lines.with(at, line.slice(0, position) + letter + line.slice(position + 1));
      }),
      index.map((at) => lines.toSpliced(at, 1)),
      index.map((at) => lines.toSpliced(at, 0, lines[at]!)),
      fc.tuple(index, index).map(([one, other]) => lines.with(one, lines[other]!).with(other, lines[one]!)),
      fc.nat({ max: lines.length - 1 }).map((count) => lines.slice(0, count)),
      fc.nat({ max: lines.length - 2 }).map((count) => lines.slice(count + 1)),
    );
    await fc.assert(
      fc.asyncProperty(changes.filter(withoutNothing), async (changed) => {
        await writeFile(file, changed.length > 0 ? `${changed.join('\n')}\n` : '');
        expect((await verify()).problems).not.toEqual([]);
      }),
      { numRuns: 300, seed: 12 },
    );
  });

  test('made anew without the key does not hold', async () => {
    await write(10, { key: undefined });
    expect((await verifyAudit({ file })).problems).toEqual([]);
    expect((await verify()).problems).not.toEqual([]);
  });

  test('of which a line was written down elsewhere holds with it, and not without', async () => {
    await write(10);
    const { last } = await verify();
    await write(5);
    expect((await verifyAudit({ file, key: KEY, hash: last!.hash })).problems).toEqual([]);
    const wrong = 'f'.repeat(64);
    expect((await verifyAudit({ file, key: KEY, hash: wrong })).problems).toEqual([
      `No line has the hash ${wrong}.`,
    ]);
  });

  test('goes on after a line that was torn, and says so', async () => {
    await write(5);
    await appendFile(file, '{"sequence":7,"at":"no');
    await write(5);
    const { lines, problems } = await verify();
    expect({ lines, problems }).toEqual({ lines: 12, problems: [] });
    expect(await readFile(file, 'utf8')).toContain('"event":"resumed","tornBytes":22');
  });

  test('is closed each day, kept for a while and deleted, and what is left holds', async () => {
    let now = Date.parse('2026-03-01T12:00:00Z');
    for (let day = 0; day < 5; day++, now += DAY) {
      await write(3, { keepDays: 2, now: () => now });
      await utimes(file, now / 1000, now / 1000);
    }
    const names = (await readdir(directory)).filter((name) => /\d{15}$/.test(name));
    expect(names).toEqual(['audit.ndjson.000000000000012', 'audit.ndjson.000000000000016']);
    expect(await verify()).toMatchObject({ files: 3, lines: 12, first: 9, problems: [] });
    const oldest = join(directory, names[0]!);
    const written = await readFile(oldest, 'utf8');
    await writeFile(oldest, written.replace('"at":"2026', '"at":"2025'));
    expect((await verify()).problems).not.toEqual([]);
    await writeFile(oldest, written);
    await rm(join(directory, names[1]!));
    expect((await verify()).problems).toEqual([
      expect.stringContaining('4 between them were removed or moved'),
    ]);
  });

  test('that cannot be written stops nobody, counts what is lost, and says so in the chain', async () => {
    const log = await AuditLog.open({ file, key: KEY, maxMegabytes: 64, keepDays: 0, logger });
    for (let index = 0; index < 10_050; index++) log.write({ index });
    expect(log.reports.lost).toBe(50);
    await log.close();
    expect(log.reports).toEqual({ lines: 10_001, lost: 50 });
    expect(await readFile(file, 'utf8')).toContain('"event":"lost","lines":50');
    expect((await verify()).problems).toEqual([]);
  });
});

describe('audit verify', () => {
  async function run(...args: string[]) {
    const lines: string[] = [];
    const code = await audit(args, { AUDIT_FILE: file, AUDIT_KEY: KEY }, (line) => void lines.push(line));
    return { code, text: lines.join('\n') };
  }

  test('says that all is as it was, or what is not, by its exit code too', async () => {
    expect(await run('verify')).toMatchObject({ code: 2, text: `There is no line in ${file}.` });
    await write(10);
    const { code, text } = await run('verify');
    expect(code).toBe(0);
    expect(text).toMatch(
      /^Every line is as it was written: 11 lines of 1 files, number 1 to 11, the last with hash [0-9a-f]{64}\.$/,
    );
    await writeFile(file, (await readFile(file, 'utf8')).replace('tenant 3', 'tenant 4'));
    const changed = await run('verify');
    expect(changed.code).toBe(1);
    expect(changed.text).toContain('line 5: (number 5) does not follow the line before it');
    expect(await run('verfy')).toMatchObject({
      code: 2,
      text: expect.stringMatching(/^Usage: cdr-gateway audit verify/),
    });
  });
});
