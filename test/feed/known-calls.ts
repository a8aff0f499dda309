import type { EventClient } from './event-client.ts';

export interface KnownCall {
  readonly id: string;
  readonly accountId: string;
  readonly cld: string;
}

/** What somebody who reads the messages one after the other knows in the end. */
export function knownCalls(client: EventClient): ReadonlyMap<string, KnownCall> {
  const known = new Map<string, KnownCall>();
  for (const { inserted, corrected, deletedIds } of client.messages) {
    for (const id of deletedIds) known.delete(id);
    for (const call of [...inserted, ...corrected]) known.set(call.id, call);
  }
  return known;
}

export const corrected = (client: EventClient) => client.messages.flatMap(({ corrected }) => corrected);
export const deleted = (client: EventClient) => client.messages.flatMap(({ deletedIds }) => deletedIds);
export const gaps = (client: EventClient) => client.messages.flatMap(({ gap }) => gap?.reason ?? []);
