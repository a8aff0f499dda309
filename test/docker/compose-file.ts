import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What the tests look at of a service; the rest is docker's business. */
export interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly profiles?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required?: boolean }>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: readonly string[] | Readonly<Record<string, { readonly ipv4_address: string }>>;
  readonly extra_hosts?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, object>>;
}

export const composeText = readFileSync('docker/compose.yaml', 'utf8');
export const compose = parse(composeText, { merge: true }) as ComposeFile;

/** Every `${NAME:-default}` of a text. Throws for a variable without a default: the stack must start without .env. */
export function variablesOf(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)(:-([^}]*))?\}/g)];
  const bare = found.find(([, , hasDefault]) => !hasDefault);
  if (bare) throw new Error(`${bare[0]} has no default.`);
  return new Map(found.map(([, name, , fallback]) => [name!, fallback!]));
}

/** With every variable at its default. */
export const withDefaults = (text: string): string => text.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');

/** `NAME=value` lines, as docker compose reads them. */
export function readEnvFile(file: string): ReadonlyMap<string, string> {
  const lines = readFileSync(file, 'utf8').matchAll(/^([A-Z_]+)=(.*)$/gm);
  return new Map([...lines].map(([, name, value]) => [name!, value!]));
}
