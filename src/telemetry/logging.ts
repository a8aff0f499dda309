import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

/** Never written, whoever passes them by mistake: secrets, and what calls are about. */
const secretKeys = ['authorization', 'cookie', 'password', 'token', 'query', 'variables', 'cli', 'cld'];

/** Causes of causes that are written; more than a driver and a resolver ever nest. */
const DEEPEST_CAUSE = 3;

/** One JSON object per line, on stdout unless told otherwise. */
export function createLogger({ level }: { level: string }, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service: 'cdr-gateway' },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: unknown) => describeError(error) },
    redact: {
      paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
      censor: '[redacted]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

/**
 * The same log for lines whose every field is chosen here, none of them a secret: to search a line for secrets costs
 * ten times as much as to write it.
 */
export function withoutSearch(logger: Logger): Logger {
  return logger.child({}, { redact: [] });
}

/** Hides phone numbers and ids that a message or a path quotes. Ports, line numbers and IPv4 addresses stay. */
export function hideNumbers(text: string): string {
  return text.replaceAll(/\d[\d\s()-]{4,}\d/g, '…');
}

interface ErrorDescription {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

/** Only these parts: a driver hangs the statement, its values and the row in question on its errors. */
function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: hideNumbers(String(error)) };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    ...(typeof code === 'string' && { code }),
    message: hideNumbers(message),
    ...(stack && { stack: framesOf(stack, message) }),
    ...(cause !== undefined && depth < DEEPEST_CAUSE && { cause: describeError(cause, depth + 1) }),
  };
}

/** The stack begins with the message, which is already told, and may have many lines. */
function framesOf(stack: string, message: string): string {
  const start = stack.indexOf(message);
  return start < 0 ? hideNumbers(stack) : stack.slice(start + message.length).trimStart();
}
