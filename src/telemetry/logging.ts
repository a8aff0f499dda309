import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

/** Never written, even when passed by mistake: secrets, and what calls are about. */
const secretKeys = ['authorization', 'cookie', 'password', 'token', 'query', 'variables', 'cli', 'cld'];

/** More than a driver and a resolver ever nest. */
const MAX_CAUSE_DEPTH = 3;

/** One JSON object per line, on stdout unless there is a `destination`. */
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

/** Only these parts: a driver attaches the statement, its values and the row to its errors. */
function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: hideNumbers(String(error)) };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    type: name,
    ...(typeof code === 'string' && { code }),
    message: hideNumbers(message),
    ...(stack && { stack: cutMessage(stack, message) }),
    ...(cause !== undefined && depth < MAX_CAUSE_DEPTH && { cause: describeError(cause, depth + 1) }),
  };
}

/** The stack without the message it begins with, which is written by itself and may have many lines. */
function cutMessage(stack: string, message: string): string {
  const start = stack.indexOf(message);
  return start < 0 ? hideNumbers(stack) : stack.slice(start + message.length).trimStart();
}
