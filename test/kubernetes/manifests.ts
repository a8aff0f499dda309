import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Ajv, type AnySchema } from 'ajv';
import { parseAllDocuments } from 'yaml';

/** An object of Kubernetes, as far as every kind has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the kind that it reads
  readonly spec?: any;
}

export function readManifests(...names: readonly string[]): readonly Manifest[] {
  return names.flatMap((name) =>
    parseAllDocuments(readFileSync(join('docker/kubernetes', `${name}.yaml`), 'utf8'), { merge: true }).map(
      (document) => document.toJS() as Manifest,
    ),
  );
}

/** Kinds that packages know, made from the schemas of Kubernetes and of the operator of Prometheus. */
const MODELS: Readonly<Record<string, string>> = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator/',
};

function moduleOf({ apiVersion, kind }: Manifest): string {
  const [group] = apiVersion.split('/');
  return `${MODELS[group!] ?? 'kubernetes-models/'}${apiVersion}/${kind}`;
}

/**
 * What TypeScript says of the objects as literals of their types: fields that there are not, that are missing, and those of
 * another type.
 */
export async function problemsByType(manifests: readonly Manifest[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cdr-manifests-'));
  const lines = manifests.map(
    (manifest, index) =>
      `import type { I${manifest.kind} as Kind${index} } from '${moduleOf(manifest)}';\n` +
      `export const manifest${index}: Kind${index} = ${JSON.stringify(manifest)};\n`,
  );
  try {
    await symlink(resolve('node_modules'), join(directory, 'node_modules'));
    await writeFile(join(directory, 'manifests.ts'), lines.join(''));
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];
    return await outputOf(resolve('node_modules/.bin/tsc'), [...flags, 'manifests.ts'], directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function outputOf(command: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd }, (error, stdout, stderr) => {
      if (error && !stdout) reject(error);
      else resolve(`${stdout}${stderr}`.trim());
    });
  });
}

/** The same of CloudNativePG's `Cluster`, by the schema that it installs. */
export function problemsOfCluster(cluster: Manifest): readonly string[] {
  const schema = JSON.parse(readFileSync('test/kubernetes/cluster.schema.json', 'utf8'));
  const validate = new Ajv({ strict: false, allErrors: true, formats: FORMATS }).compile(
    closed(schema) as AnySchema,
  );
  validate(cluster);
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    [instancePath, message, params.additionalProperty].filter(Boolean).join(' '),
  );
}

/** Of numbers and times; what they say is said by `type` too. */
const FORMATS = { int32: true, int64: true, 'date-time': true, byte: true } as const;

/** Kubernetes drops fields that the schema of an object does not name. Here they are errors. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  const isOpen = 'x-kubernetes-preserve-unknown-fields' in inner || 'additionalProperties' in inner;
  const { properties, type } = inner;
  return type === 'object' && properties && !isOpen ? { ...inner, additionalProperties: false } : inner;
}
