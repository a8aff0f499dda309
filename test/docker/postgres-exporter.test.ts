import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  hasPostgresExporter,
  ofPostgresExporter,
  ofStatements,
  postgresExporterNote,
  scrapePostgres,
} from '../support/postgres-exporter.ts';

const nameOf = (line: string) => /^\w+/.exec(line)![0];

test('rules and the dashboard use every figure that is known here, and no other', () => {
  const files = [
    'docker/prometheus/rules/postgresql.yml',
    ...globSync('docker/grafana/dashboards/generated/postgresql.json'),
  ];
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const expressions = [...text.matchAll(/"?expr"?: (?:>-\n)?((?:.*\n? {10,}.*)|.*)/g)].map(
    (found) => found[1]!,
  );
  const used = new Set(expressions.flatMap((each) => each.match(/\b(?:cdr_pg|pg)_\w+/g) ?? []));
  expect([...used].sort()).toEqual([...ofPostgresExporter, ...ofStatements].sort());
});

describe.skipIf(!hasPostgresExporter)(`postgres_exporter${postgresExporterNote}`, () => {
  let database: TestDatabase;
  /** A role with what the documents say, and nothing else. */
  let exporterOf: (url: string) => string;
  const role = `exporter_${randomBytes(4).toString('hex')}`;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.insertXdrs([anXdr()]);
    await database.pool.query(`create role ${role} login password 'secret'; grant pg_monitor to ${role};
      grant connect on database ${database.name} to ${role}`);
    await database.replayed();
    exporterOf = (url) => {
      const changed = new URL(url);
      changed.username = role;
      changed.password = 'secret';
      return changed.href;
    };
  });
  afterAll(async () => {
    await database.pool.query(`revoke all on database ${database.name} from ${role}; drop role ${role}`);
    await database[Symbol.asyncDispose]();
  });

  test('says of a primary, to a role with pg_monitor, all that rules and the dashboard ask for', async () => {
    const lines = await scrapePostgres(exporterOf(database.primaryUrl));
    const names = new Set(lines.map(nameOf));
    expect(ofPostgresExporter.filter((name) => !names.has(name))).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^cdr_pg_wal_in_recovery\{[^}]*\} 0$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^cdr_pg_slot_active\{[^}]*slot_name="replica1"[^}]*\} 1$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^cdr_pg_slot_limited\{[^}]*\} 0$/));
    expect(lines).toContainEqual(expect.stringMatching(/^pg_exporter_user_queries_load_error\{[^}]*\} 0$/));
  });

  test('says of a standby what a standby has', async () => {
    const lines = await scrapePostgres(exporterOf(database.standbyUrls[0]!));
    expect(lines).toContainEqual(expect.stringMatching(/^cdr_pg_wal_in_recovery\{[^}]*\} 1$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^cdr_pg_table_bytes\{[^}]*table_name="xdrs"[^}]*\} [1-9]/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^pg_up\{[^}]*\} 1$|^pg_up 1$/));
  });
});
