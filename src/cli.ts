#!/usr/bin/env node
/** The commands. Nothing else reads the environment, the arguments, or ends the process. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Types are stripped and code compiled once per version, not at every start: that halves the time until ready. For this
// file itself it comes too late, so `npm start` sets NODE_COMPILE_CACHE as well.
enableCompileCache();

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
      return serve(process.env, untilStopSignal());
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
  status: {
    summary: 'How old each standby is, and why, once',
    failure: 3,
    help: statusHelp,
    run: async () => {
      const { status } = await import('./cli/status.ts');
      return status(process.env, print);
    },
  },
  doctor: {
    summary: 'Check databases, roles, columns, indexes and files, and say what to run where',
    failure: 2,
    help: doctorHelp,
    run: async () => {
      const { doctor } = await import('./cli/doctor.ts');
      return doctor(process.env, print);
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
  return `Usage: cdr-gateway status

Reads REPLICA_URLS and PRIMARY_URL.
Exit code: 0 all is well, 1 degraded, 2 down, 3 the settings are wrong and nothing was looked at.
`;
}

function doctorHelp(): string {
  return `Usage: cdr-gateway doctor

Reads REPLICA_URLS, CDR_SOURCE, NUMBERING_PLAN and NUMBERING_OPERATORS.
Exit code: 0 all is well, 1 it works with warnings, 2 the gateway would not start.
`;
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
