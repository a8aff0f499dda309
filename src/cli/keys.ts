import { parseArgs } from 'node:util';
import { createKey, idOfKey } from '../access/api-key.ts';
import { BadKeyError, parseStoredKey } from '../access/key-record.ts';
import { type Role, roleNames, roleTraits } from '../access/roles.ts';
import { accessSettings } from '../access/settings.ts';
import type { StoredKey } from '../db/keys/api-keys.ts';
import { type KeyStore, KeysError, withTable } from '../db/keys/key-table.ts';
import { migrateSettings } from '../db/migrate/settings.ts';
import { databaseSettings } from '../replicas/settings.ts';
import { splitList } from '../settings/kinds.ts';
import { parseSettings } from '../settings/parse.ts';
import { type Environment, settingGroup } from '../settings/setting.ts';
import { fileStore } from './key-file-store.ts';

const settings = settingGroup({
  members: {
    owner: migrateSettings.members.url,
    primaryUrl: databaseSettings.members.primaryUrl,
    file: accessSettings.members.keyFile,
  },
});

const help = `Usage: cdr-gateway keys <create|list|rotate|revoke> [options]

  create --name NAME --role ROLE      Make a key and print it, once: only its SHA-256 is kept
         --accounts 14,15             Whose calls it sees: those of these accounts,
         --customers 3                or of these customers, accounts made later included,
         --all                        or of everybody (admin and analyst always do)
         [--expires 90d|2027-01-31]   When it ends; without it when it is revoked
         [--networks 10.0.0.0/8,…]    From where it may be used; without it from anywhere
         [--max-page N]               Ceiling of "first" and "last"
  list   [--json]                     Every key, without its secret
  rotate ID [--overlap 24h]           Make another key with the same rights; the old one ends when the overlap does
  revoke ID                           End a key now: requests and streams under way end with it

  --url URL    The primary, as the owner of cdr_gateway.api_keys (default: MIGRATE_URL, then PRIMARY_URL)
  --file PATH  A file of keys instead of the table (default: API_KEYS_FILE)

Roles: ${roleNames.join(', ').toLowerCase()}. ID may be the key itself.
Gateways need no restart: they read the table (API_KEYS=table) or the file (API_KEYS_FILE) as it changes.
`;

type Log = (line: string) => void;
type Options = ReturnType<typeof parse>['values'];

/** Resolves with the exit code. Throws KeysError. */
export async function keys(args: readonly string[], env: Environment, log: Log): Promise<number> {
  const { values, positionals } = parse(args);
  const [action = '', id, ...more] = positionals;
  if (values.help || action === 'help') {
    log(help.trimEnd());
    return 0;
  }
  const wantsId = action === 'rotate' || action === 'revoke';
  if (!Object.hasOwn(actions, action) || more.length > 0 || wantsId !== (id !== undefined)) {
    log(help.trimEnd());
    return 2;
  }
  const run = (store: KeyStore) => actions[action]!({ store, values, id: idIn(id ?? ''), log });
  const found = parseSettings(settings, env);
  const file = values.file ?? (values.url === undefined ? found.file : undefined);
  if (file !== undefined) {
    await run(fileStore(file));
    return 0;
  }
  const url = values.url ?? found.owner ?? found.primaryUrl;
  if (!url) {
    throw new KeysError(
      'Say where the keys are: --url postgresql://owner:password@primary:5432/sippy, MIGRATE_URL, or --file PATH.',
    );
  }
  await withTable(url, run);
  return 0;
}

interface Act {
  readonly store: KeyStore;
  readonly values: Options;
  readonly id: string;
  readonly log: Log;
}

const actions: Readonly<Record<string, (act: Act) => Promise<void>>> = {
  async create({ store, values, log }) {
    const { id, text, digest } = createKey();
    const role = roleIn(values.role);
    if (!values.name) throw new KeysError('Give the key a name (--name), by which logs show it.');
    const key: StoredKey = {
      id,
      digest,
      name: values.name,
      role,
      ...ownersIn(role, values),
      networks: splitList(values.networks ?? ''),
      maxPage: pageIn(values['max-page']),
      createdAt: new Date().toISOString(),
      expiresAt: values.expires === undefined ? null : instantIn(values.expires),
      revokedAt: null,
    };
    check(key);
    await store.insert(key);
    log(text);
    log(`Key ${id}, good ${store.takesEffect}. It is shown this once.`);
  },
  async list({ store, values, log }) {
    const stored = await store.list();
    if (values.json)
      return log(
        JSON.stringify(
          stored.map(({ digest: _, ...shown }) => shown),
          null,
          2,
        ),
      );
    if (stored.length === 0) return log('There are no keys.');
    for (const line of table(stored)) log(line);
  },
  async rotate({ store, values, id, log }) {
    const old = (await store.list()).find((key) => key.id === id);
    if (!old) throw new KeysError(`There is no key "${id}". "keys list" shows those there are.`);
    if (old.revokedAt !== null) throw new KeysError(`Key ${id} was revoked. Make a new one: "keys create".`);
    const until = new Date(Date.now() + millisIn(values.overlap ?? '24h')).toISOString();
    const { id: newId, text, digest } = createKey();
    await store.rotate(id, { ...old, id: newId, digest, createdAt: new Date().toISOString() }, until);
    log(text);
    log(`Key ${newId}, good ${store.takesEffect}. It is shown this once. Key ${id} ends ${until}.`);
  },
  async revoke({ store, id, log }) {
    await store.revoke(id);
    log(`Key ${id} ends ${store.takesEffect}.`);
  },
};

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: text,
      file: text,
      name: text,
      role: text,
      accounts: text,
      customers: text,
      expires: text,
      networks: text,
      overlap: text,
      'max-page': text,
      all: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

/** The id, also where somebody gives the whole key: it is not repeated. */
function idIn(text: string): string {
  return idOfKey(text) ?? text;
}

function roleIn(text = ''): Role {
  const role = roleNames.find((name) => name === text.toUpperCase());
  if (role) return role;
  throw new KeysError(`Say which role (--role): ${roleNames.join(', ').toLowerCase()}.`);
}

function ownersIn(role: Role, { accounts, customers, all }: Options): Pick<StoredKey, 'scope' | 'scopeIds'> {
  const { scopes } = roleTraits(role);
  if ([accounts, customers, all].filter((given) => given !== undefined).length > 1) {
    throw new KeysError('Give one of --accounts, --customers and --all.');
  }
  if (accounts !== undefined) return { scope: 'accounts', scopeIds: splitList(accounts) };
  if (customers !== undefined) return { scope: 'customers', scopeIds: splitList(customers) };
  if (all || (scopes.length === 1 && scopes[0] === 'all')) return { scope: 'all', scopeIds: [] };
  const ways = scopes.map((scope) => `--${scope}`).join(' or ');
  throw new KeysError(`Say whose calls a key of the role ${role.toLowerCase()} sees: ${ways}.`);
}

/** As gateways will read it: what means nothing is not stored. */
function check(key: StoredKey): void {
  try {
    parseStoredKey(key);
  } catch (error) {
    if (error instanceof BadKeyError)
      throw new KeysError(error.message.replace(`Key ${key.id}: `, 'Not made: '));
    throw error;
  }
}

function pageIn(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new KeysError(`--max-page is a whole number above 0, not "${text.slice(0, 40)}".`);
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90d`, `12h`, `30m`, `10s`. */
function millisIn(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (unit === '') throw new KeysError(`"${text.slice(0, 40)}" is no length of time: 90d, 12h, 30m or 10s.`);
  return Number(count) * units[unit]!;
}

/** A length of time from now, a day, or an instant. */
function instantIn(text: string): string {
  const millis = /^\d+[a-z]$/i.test(text) ? Date.now() + millisIn(text) : Date.parse(text);
  if (Number.isNaN(millis))
    throw new KeysError(`--expires takes 90d, 2027-01-31 or an instant, not "${text.slice(0, 40)}".`);
  if (millis <= Date.now()) throw new KeysError('--expires: that is past.');
  return new Date(millis).toISOString();
}

function table(stored: readonly StoredKey[]): readonly string[] {
  const rows = [
    ['ID', 'NAME', 'ROLE', 'SEES', 'FROM', 'CREATED', 'STATE'],
    ...stored.map((key) => [
      key.id,
      key.name,
      key.role.toLowerCase(),
      key.scope === 'all' ? 'all' : `${key.scope} ${key.scopeIds.join(',')}`,
      key.networks.join(',') || 'anywhere',
      key.createdAt.slice(0, 10),
      stateOf(key),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function stateOf({ revokedAt, expiresAt }: StoredKey): string {
  if (revokedAt !== null) return `revoked ${revokedAt}`;
  if (expiresAt === null) return 'good';
  return Date.parse(expiresAt) > Date.now() ? `good until ${expiresAt}` : `expired ${expiresAt}`;
}
