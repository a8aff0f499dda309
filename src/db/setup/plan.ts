import { SetupFailedError } from './setup-error.ts';

/** One change, in the words in which it is reviewed. */
export interface Step {
  /** An imperative: "Create the role replicator". */
  readonly title: string;
  readonly because: string;
  /** The statements, lines of a file or commands, as they are carried out. Never a password. */
  readonly shows: readonly string[];
  /** It counts from the next start of the server on. */
  readonly needsRestart?: boolean;
  /** Undefined where only the operator can do it, or should. */
  readonly apply?: (() => Promise<void>) | undefined;
}

export interface Plan {
  /** Which server, and what it is. */
  readonly subject: string;
  /** What is to be done, in this order. What is already so has no step. */
  readonly steps: readonly Step[];
  /** What could not be looked at, and what to know. */
  readonly notes: readonly string[];
  /** What comes afterwards, on this host or on others. */
  readonly next: readonly string[];
}

export type Log = (line: string) => void;

export function describePlan({ subject, steps, notes }: Plan): readonly string[] {
  return [
    subject,
    ...notes.map((note) => `   note: ${note}`),
    ...steps.flatMap((step, index) => [
      `${index + 1}. ${step.title}${step.needsRestart ? ' (counts from the next start)' : ''}${step.apply ? '' : ' (left to you)'}`,
      `   because: ${step.because}`,
      ...step.shows.map((line) => `   > ${line}`),
    ]),
  ];
}

/**
 * Carries out what has no operator to wait for, in order. Resolves with the steps that are left. Throws a
 * SetupFailedError that says how far it came: the same command goes on from there.
 */
export async function applyPlan({ steps }: Plan, log: Log): Promise<readonly Step[]> {
  const left: Step[] = [];
  for (const [index, step] of steps.entries()) {
    if (!step.apply) {
      left.push(step);
      continue;
    }
    try {
      await step.apply();
    } catch (error) {
      const done = index === 0 ? 'Nothing was changed' : `What stands before it is done`;
      throw new SetupFailedError(
        `Step ${index + 1} failed (${step.title}): ${sentenceOf(error)}\n${done}; when the cause is mended, run the same command again.`,
        { cause: error },
      );
    }
    log(`done: ${step.title}`);
  }
  for (const step of left) {
    log(`left to you: ${step.title}`);
    for (const line of step.shows) log(`   > ${line}`);
  }
  return left;
}

export function sentenceOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  const text = (message || code || String(error)).trim();
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
