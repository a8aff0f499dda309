import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { INTROSPECTION } from '../telemetry/operation-names.ts';
import { executeWhole } from './incremental.ts';
import type { Operation } from './operation.ts';

/** Of one answer, as JSON. A longer one is executed each time. */
const MAX_CHARACTERS = 512 * 1024;
const BYTES_PER_CHARACTER = 2;

/** A result that writes its JSON itself: see `writePaced`. */
interface PrintedResult extends ExecutionResult {
  stringify(shown: unknown): string;
}

/** Whether the operation is about the schema alone, and whoever sends it is answered the same. */
export function isIntrospection({ description, definition }: Operation): boolean {
  return description.field === INTROSPECTION && !definition.variableDefinitions?.length;
}

/**
 * Executes an introspection and keeps its JSON with the document: to execute and to print one takes ten milliseconds, in
 * which nobody else is answered, and tools send it again and again. Of those that arrive together each has a turn of the
 * event loop, and finds what the first has left.
 */
export async function executeIntrospection(
  operation: Operation,
  args: ExecutionArgs,
): Promise<ExecutionResult> {
  if (operation.printed === undefined) await nextTurn();
  if (operation.printed !== undefined) return printed(operation.printed);
  const result = await executeWhole(args);
  if (result.errors || !result.data) return result;
  const text = JSON.stringify(result.data);
  if (text.length <= MAX_CHARACTERS) operation.keepPrinted(text, BYTES_PER_CHARACTER * text.length);
  return printed(text);
}

function printed(data: string): PrintedResult {
  return {
    stringify(shown) {
      const rest = JSON.stringify(shown).slice(1);
      return `{"data":${data}${rest === '}' ? '' : ','}${rest}`;
    },
  };
}
