import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { amtool, amtoolNote, hasAmtool, hasPromtool, promtool, promtoolNote } from '../support/promtool.ts';

const folder = 'docker/prometheus';
const rules = globSync(`${folder}/rules/*.yml`).sort();
const tests = globSync(`${folder}/tests/*.test.yml`).sort();
const alertsIn = (text: string): string[] => [...text.matchAll(/- alert: (\w+)/g)].map((found) => found[1]!);

describe.skipIf(!hasPromtool)(`Prometheus${promtoolNote}`, () => {
  test('has a configuration it accepts, with the rules it names', () => {
    const { status, output } = promtool(['check', 'config', `${folder}/prometheus.yml`]);
    expect(status, output).toBe(0);
    expect(output.match(/rules found/g)).toHaveLength(rules.length);
  });

  test.each(rules)('%s has no fault that its linter knows', (file) => {
    const { status, output } = promtool(['check', 'rules', '--lint=all', '--lint-fatal', file]);
    expect(status, output).toBe(0);
  });

  test.each(tests)('the cases of %s come out as they say', (file) => {
    const { status, output } = promtool(['test', 'rules', file]);
    expect(status, output).toBe(0);
  });

  test('every alert has a case in which it fires and one in which it does not, a severity and a sentence', () => {
    const cases = tests.map((file) => readFileSync(file, 'utf8')).join('\n');
    for (const text of rules.map((file) => readFileSync(file, 'utf8'))) {
      for (const alert of alertsIn(text)) {
        expect(cases, alert).toMatch(new RegExp(`alertname: ${alert}\\s+exp_alerts:\\s+- exp_labels`));
        expect(cases, alert).toMatch(new RegExp(`alertname: ${alert}[,\\s]+exp_alerts: \\[\\]`));
        const [, rule] = text.split(`- alert: ${alert}\n`);
        const [own] = rule!.split('- alert: ');
        expect(own, alert).toMatch(/severity: (warning|critical)/);
        expect(own, alert).toMatch(/summary: [\s\S]*description: /);
      }
    }
  });
});

interface Mutant {
  readonly rulesFile: string;
  readonly testFile: string;
  readonly name: string;
  readonly text: string;
}

/** The text with one threshold, comparison or waiting time of one alert changed. */
function mutantsOf(rulesFile: string): readonly Mutant[] {
  const text = readFileSync(rulesFile, 'utf8');
  const name = basename(rulesFile);
  const testFile = `${name.replace('.yml', '')}.test.yml`;
  const starts = [...text.matchAll(/ {6}- alert: (\w+)\n/g)];
  return starts.flatMap((start, index) => {
    const end = starts[index + 1]?.index ?? text.length;
    const block = text.slice(start.index, end);
    const changes = [...comparisonChanges(block), ...waitChanges(block)];
    return changes.map(({ at, before, after }) => ({
      rulesFile: name,
      testFile,
      name: `${start[1]}: "${before.trim()}" made "${after.trim()}"`,
      text: text.slice(0, start.index + at) + after + text.slice(start.index + at + before.length),
    }));
  });
}

interface Change {
  readonly at: number;
  readonly before: string;
  readonly after: string;
}

const otherComparisons: Readonly<Record<string, readonly string[]>> = { '>': ['>=', '<'], '==': ['!='] };

function comparisonChanges(block: string): readonly Change[] {
  const expression = block.slice(0, block.indexOf('labels:'));
  return [...expression.matchAll(/(>|==) (\d+(?:\.\d+)?)/g)].flatMap(
    ({ index: at, 0: before, 1: comparison, 2: number }) => {
      const value = Number(number);
      const nearby = value === 0 ? [1] : [value * 0.98, value * 1.02];
      return [
        ...nearby.map((near) => ({ at, before, after: `${comparison} ${near}` })),
        ...otherComparisons[comparison!]!.map((other) => ({ at, before, after: `${other} ${number}` })),
      ];
    },
  );
}

function waitChanges(block: string): readonly Change[] {
  return [...block.matchAll(/for: (\d+)m\n/g)].flatMap(({ index: at, 0: before, 1: minutes }) =>
    [0.5, 1.5].map((factor) => ({ at, before, after: `for: ${Number(minutes) * factor * 60}s\n` })),
  );
}

describe.skipIf(!hasPromtool)(`a changed threshold is noticed${promtoolNote}`, () => {
  const copy = mkdtempSync(join(tmpdir(), 'cdr-rules-'));
  cpSync(folder, copy, { recursive: true });
  afterAll(() => rmSync(copy, { recursive: true }));
  const mutants = rules.flatMap(mutantsOf);

  test('every alert with a threshold or a waiting time has mutants', () => {
    const alerts = rules.flatMap((file) => alertsIn(readFileSync(file, 'utf8')));
    for (const alert of alerts)
      expect(
        mutants.some(({ name }) => name.startsWith(`${alert}:`)),
        alert,
      ).toBe(true);
    expect(alerts.length).toBeGreaterThanOrEqual(13);
  });

  test.each(mutants)('$name', ({ rulesFile, testFile, text }) => {
    const original = readFileSync(join(folder, 'rules', rulesFile), 'utf8');
    writeFileSync(join(copy, 'rules', rulesFile), text);
    const { status } = promtool(['test', 'rules', join(copy, 'tests', testFile)]);
    writeFileSync(join(copy, 'rules', rulesFile), original);
    expect(status).toBe(1);
  });
});

describe.skipIf(!hasAmtool)(`Alertmanager${amtoolNote}`, () => {
  const file = 'docker/alertmanager/alertmanager.yml';

  test('has a configuration it accepts', () => {
    const { status, output } = amtool(['check-config', file]);
    expect(status, output).toBe(0);
  });

  test.each([
    ['severity=critical', 'on-call'],
    ['severity=warning', 'chat'],
    ['severity=warning alertname=HostDiskFilling', 'chat'],
    ['alertname=SomethingWithoutASeverity', 'chat'],
  ])('sends %s to %s', (labels, receiver) => {
    const { status, output } = amtool([
      'config',
      'routes',
      'test',
      `--config.file=${file}`,
      `--verify.receivers=${receiver}`,
      ...labels.split(' '),
    ]);
    expect(status, output).toBe(0);
  });

  test('keeps quiet only about alerts that exist', () => {
    const known = rules.flatMap((one) => alertsIn(readFileSync(one, 'utf8')));
    const text = readFileSync(file, 'utf8').replaceAll(/^ *#.*$/gm, '');
    const named = [...text.matchAll(/alertname=~?"([^"]+)"/g)].flatMap((found) => found[1]!.split('|'));
    expect(named.length).toBeGreaterThan(8);
    for (const name of named) {
      expect(
        known.some((alert) => new RegExp(`^${name}$`).test(alert)),
        name,
      ).toBe(true);
    }
  });
});
