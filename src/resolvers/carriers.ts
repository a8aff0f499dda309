import DataLoader from 'dataloader';
import { InvalidArgumentError } from '../errors.ts';
import type { Carrier, CarrierSource } from '../numbering/carrier.ts';

/** Numbers that `carriers` takes at once. */
export const MAX_NUMBERS = 1000;

/** Who looks numbers up for a request, and who is told when that fails. */
export interface CarrierLookUp extends CarrierSource {
  failed(error: unknown): void;
}

export type CarrierLoader = DataLoader<string, Carrier | null>;

/** Position by position. Never rejects: the holder of a number is an addition to a call, and its absence must not cost the call. */
export async function lookUpCarriers(
  carriers: CarrierLookUp,
  numbers: readonly string[],
): Promise<readonly (Carrier | null)[]> {
  try {
    return await carriers.lookUp(numbers);
  } catch (error) {
    carriers.failed(error);
    return numbers.map(() => null);
  }
}

export type FindCarrierNow = (text: Uint8Array, from: number, to: number) => Carrier | null | undefined;

/** Undefined where that fails too: then it is looked up as above, which says why it fails. */
export function findCarrierNow(
  { findNow }: CarrierLookUp,
  text: Uint8Array,
  from: number,
  to: number,
): Carrier | null | undefined {
  try {
    return findNow?.(text, from, to);
  } catch {
    return undefined;
  }
}

export function createCarrierLoader(carriers: CarrierLookUp): CarrierLoader {
  return new DataLoader((numbers) => lookUpCarriers(carriers, numbers));
}

/** Position by position; null is unknown. Throws InvalidArgumentError above MAX_NUMBERS. */
export async function findCarriers(
  { loaders }: { loaders(): { readonly carrier: CarrierLoader } },
  numbers: readonly string[],
): Promise<(Carrier | null)[]> {
  if (numbers.length > MAX_NUMBERS) {
    throw new InvalidArgumentError(
      `${numbers.length} numbers were asked for; at most ${MAX_NUMBERS} may be at once. Ask in several requests.`,
    );
  }
  return Promise.all(numbers.map((number) => loaders().carrier.load(number)));
}
