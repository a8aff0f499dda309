import { ask } from '../asking/execute.ts';
import type { CarrierPartsFragment } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';

/** What the digits of a number say: who was given its block, its country and kind of line. */
export type Carrier = CarrierPartsFragment;

/** So many numbers the gateway takes at once. */
export const MAX_NUMBERS = 1000;

/** Position by position; null is unknown. Takes at most MAX_NUMBERS; throws GatewayError. */
export async function askCarriers(
  numbers: readonly string[],
  signal?: AbortSignal,
): Promise<readonly (Carrier | null)[]> {
  const { data } = await ask(operations.carriers, { numbers: [...numbers] }, { signal });
  return data.carriers;
}
