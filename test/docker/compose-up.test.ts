import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { missingForCompose, skipNote } from '../support/engine.ts';
import { readEnvFile } from './compose-file.ts';

const FIFTEEN_MINUTES = 900_000;

/** Parts of compose.yaml, and the variables of env.example whose images only they need. */
const parts = {
  web: [],
  monitoring: ['PROMETHEUS_IMAGE', 'ALERTMANAGER_IMAGE', 'NODE_EXPORTER_IMAGE'],
  grafana: ['GRAFANA_IMAGE'],
};

const defaults = readEnvFile('docker/env.example');
const imageOf = (variable: string) => process.env[variable] ?? defaults.get(variable)!;
const missing = missingForCompose(['POSTGRES_IMAGE', 'NODE_IMAGE', 'NGINX_IMAGE'].map(imageOf));
/** Those whose images are here. */
const profiles = Object.entries(parts)
  .filter(([, variables]) => !missing && !missingForCompose(variables.map(imageOf)))
  .map(([name]) => name);
const withoutNote = Object.keys(parts)
  .filter((name) => !missing && !profiles.includes(name))
  .map((name) => `, without ${name}: its images are not here`);

interface Run {
  readonly output: string;
  readonly code: number;
}

function smoke(): Promise<Run> {
  const env = { ...process.env, COMPOSE_PROFILES: profiles.join(',') };
  return new Promise((resolve) => {
    execFile('docker/smoke.sh', { env, timeout: FIFTEEN_MINUTES - 30_000 }, (error, stdout, stderr) =>
      resolve({ output: `${stdout}${stderr}`, code: error ? 1 : 0 }),
    );
  });
}

describe.skipIf(missing)(`the stack of compose.yaml${skipNote(missing)}${withoutNote.join('')}`, () => {
  test('keeps what docs/operations.md promises', { timeout: FIFTEEN_MINUTES }, async () => {
    const { output, code } = await smoke();
    const broken = output.split(/^(?=ok|not ok|Bail)/m).filter((result) => !result.startsWith('ok'));

    expect(broken).toEqual([]);
    expect(output).toMatch(/^1\.\.2\d$/m);
    expect(code).toBe(0);
  });
});
