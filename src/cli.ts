#!/usr/bin/env node
/** The commands. Nothing else reads the environment, the arguments, or ends the process. */
import module from 'node:module';
import { join } from 'node:path';

// Types are stripped and code compiled once per version, not at every start: that halves the time until ready. For this
// file itself it comes too late, so `npm start` sets NODE_COMPILE_CACHE as well.
// A Node too old to have it is told below what it lacks.
module.enableCompileCache?.();

/** As `engines` of package.json says. Older ones strip types too, and fail later, at `await using`. */
const MIN_NODE_MAJOR = 24;

interface Command {
  readonly summary: string;
  /** The exit code when it cannot begin; 1, unless that already says something else. */
  readonly failure?: number;
  /** What --help prints; without it the command prints its own. */
  help?(): string | Promise<string>;
  /** Resolves with the exit code when the command has ended. */
  run(args: readonly string[]): Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  serve: {
    summary: 'Answer GraphQL over your hot standbys (settings from the environment)',
    help: serveHelp,
    run: async () => {
      const { serve } = await import('./serve.ts');
      return serve(process.env, untilStopSignal(), onHangup);
    },
  },
  demo: {
    summary: 'A primary, hot standbys, live calls and the gateway, from nothing',
    run: async (args) => {
      const [{ runDemo }, { startGateway }] = await Promise.all([
        import('./demo/demo.ts'),
        import('./serve.ts'),
      ]);
      const { XDG_CACHE_HOME } = process.env;
      const cacheDir = XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'cdr-gateway') : undefined;
      return runDemo(args, { startGateway, signal: untilStopSignal(), cacheDir });
    },
  },
  migrate: {
    summary: 'up, down, status or sql: tables for development, indexes and roles, on the primary',
    run: async (args) => {
      const { migrate } = await import('./cli/migrate.ts');
      return migrate(args, process.env, print);
    },
  },
  setup: {
    summary: 'primary or replica: print what a server needs to stream, and do it with --apply',
    failure: 2,
    help: setupHelp,
    run: async (args) => {
      const { setup } = await import('./cli/setup.ts');
      return setup(args, process.env, print);
    },
  },
  replica: {
    summary: 'add or remove a standby of a cluster that serves; nothing is stopped for it',
    failure: 2,
    help: replicaHelp,
    run: async (args) => {
      const { replica } = await import('./cli/replica.ts');
      return replica(args, print);
    },
  },
  keys: {
    summary: 'create, list, rotate or revoke API keys; no restart is needed',
    failure: 1,
    run: async (args) => {
      const { keys } = await import('./cli/keys.ts');
      return keys(args, process.env, print);
    },
  },
  status: {
    summary: 'How old each standby is, and why, once',
    failure: 3,
    help: statusHelp,
    run: async (args) => {
      const { status } = await import('./cli/status.ts');
      return status(args, process.env, print);
    },
  },
  audit: {
    summary: 'verify: finds lines of the audit that were altered, removed or moved',
    failure: 2,
    help: async () => (await import('./cli/audit.ts')).auditHelp,
    run: async (args) => {
      const { audit } = await import('./cli/audit.ts');
      return audit(args, process.env, print);
    },
  },
  publish: {
    summary: 'Send what changes to a stream of Redis or NATS, from where it ends, for other systems',
    help: async () => (await import('./cli/publish.ts')).publishHelp(),
    run: async (args) => {
      const { publish } = await import('./cli/publish.ts');
      return publish(args, process.env, { print, signal: untilStopSignal() });
    },
  },
  rollups: {
    summary: 'Keep sums of the calls in a file, from which gateways beside it answer statistics',
    help: async () => (await import('./cli/rollups.ts')).rollupsHelp(),
    run: async (args) => {
      const { rollups } = await import('./cli/rollups.ts');
      return rollups(args, process.env, { signal: untilStopSignal() });
    },
  },
  doctor: {
    summary: 'Check databases, roles, columns, indexes and files, and say what to run where',
    failure: 2,
    help: doctorHelp,
    run: async (args) => {
      const { doctor } = await import('./cli/doctor.ts');
      return doctor(args, process.env, print);
    },
  },
  backup: {
    summary: 'Plan backups, take one, list them, or restore one on trial and compare it (pgBackRest)',
    failure: 3,
    help: async () => (await import('./cli/backup.ts')).backupHelp,
    run: async (args) => {
      const { backup } = await import('./cli/backup.ts');
      return backup(args, process.env, { print, printError, signal: untilStopSignal() });
    },
  },
  restore: {
    summary: 'Restore into a new directory, to a time or a position, and check what came back',
    failure: 3,
    help: async () => (await import('./cli/restore.ts')).restoreHelp,
    run: async (args) => {
      const { restore } = await import('./cli/restore.ts');
      return restore(args, process.env, { print, printError, signal: untilStopSignal() });
    },
  },
};

async function main(name: string, args: readonly string[]): Promise<number> {
  if (name === '' || wantsHelp([name])) return say(help());
  if (name === '--version' || name === '-v') return say(`${await version()}\n`);
  const command = commandOf(name);
  if (command?.help && wantsHelp(args)) return say(await command.help());
  if (command) return command.run(args);
  process.stderr.write(`There is no command "${name}".\n\n${help()}`);
  return 2;
}

function commandOf(name: string): Command | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}

async function version(): Promise<string> {
  const { packageVersion } = await import('./telemetry/version.ts');
  return packageVersion();
}

/** A sentence where Node is too old; undefined where it will do. */
function explainOldNode(): string | undefined {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= MIN_NODE_MAJOR) return undefined;
  return `Node ${MIN_NODE_MAJOR} or later is needed, and this is ${node}. In a checkout "npm ci" brings one, and npm's scripts use it.`;
}

function help(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`);
  return `Usage: cdr-gateway <command> [--help]\n       cdr-gateway --version\n\n${lines.join('\n')}\n`;
}

async function serveHelp(): Promise<string> {
  const [{ describeSettings }, { gatewaySettings }] = await Promise.all([
    import('./settings/describe.ts'),
    import('./settings.ts'),
  ]);
  return `Usage: cdr-gateway serve\n\nSettings, from the environment.\n\n${describeSettings(gatewaySettings)}\n`;
}

function statusHelp(): string {
  return `Usage: cdr-gateway status [--json | --nagios] [--warning SECONDS] [--critical SECONDS]

  --json         Everything as one document
  --nagios       One line, as plugins of Nagios, Icinga and their kin print it, with the ages as figures
  --warning, -w  A standby that may be older makes a warning; one whose age is unknown too
  --critical, -c The same, critical

Reads REPLICA_URLS and PRIMARY_URL. With PRIMARY_URL its senders, slots and archiver are told too.
Exit code: 0 all is well, 1 degraded, 2 down, 3 the settings are wrong and nothing was looked at; 1 and 2 also for a limit
that is passed, a slot that is lost or about to be, and an archiver that fails.
`;
}

function doctorHelp(): string {
  return `Usage: cdr-gateway doctor [--json] [--admin URL]...

  --admin URL   One of the servers again, as a superuser: for pg_hba.conf, and for the disk where it is this host's
  --json        Servers, findings (code, severity, server, message, remedy) and what was not looked at, as one document

Reads REPLICA_URLS, PRIMARY_URL, CDR_SOURCE, NUMBERING_PLAN, NUMBERING_OPERATORS, DB_MAX_CONNECTIONS and
STATEMENT_TIMEOUT. Changes nothing.
Exit code: 0 all is well, 1 it works with warnings, 2 the gateway would not start.
`;
}

async function setupHelp(): Promise<string> {
  const { setupHelp } = await import('./cli/setup.ts');
  return setupHelp;
}

async function replicaHelp(): Promise<string> {
  const { replicaHelp } = await import('./cli/replica.ts');
  return replicaHelp;
}

function wantsHelp(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--help' || arg === '-h' || arg === 'help');
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A service is told by SIGHUP to read again what may change, and must not end by it. */
function onHangup(reload: () => void): void {
  process.on('SIGHUP', reload);
}

/** npm passes on the Ctrl-C that the terminal sent us already. */
const SAME_SIGNAL_MS = 1000;

/** Aborted by the first SIGINT or SIGTERM; another one, later, ends the process at once. */
function untilStopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt = Number.NaN;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        firstAt = performance.now();
        controller.abort();
      } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
        process.exit(130);
      }
    });
  }
  return controller.signal;
}

/** Their messages are sentences for a person at a terminal; of anything else the stack helps more. */
const explained = new Set([
  'BadSettingsError',
  'MigrationError',
  'DemoError',
  'SourceUnusableError',
  'ListenError',
  'NamedTwiceError',
  'KeysError',
  'KeyFileError',
  'SetupRefusedError',
  'SinkForeignError',
  'SubscriptionRefusedError',
]);

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  const isExplained = explained.has(error.name) || String(code).startsWith('ERR_PARSE_ARGS');
  return isExplained ? error.message : (error.stack ?? error.message);
}

const [name = '', ...args] = process.argv.slice(2);
try {
  const problem = explainOldNode();
  if (problem) process.stderr.write(`${problem}\n`);
  process.exitCode = problem ? 1 : await main(name, args);
} catch (error) {
  process.stderr.write(`${describe(error)}\n`);
  process.exitCode = commandOf(name)?.failure ?? 1;
}
