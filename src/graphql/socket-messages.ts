/** A message of a client, in the protocol graphql-transport-ws. */
export type ClientMessage =
  | { readonly type: 'connection_init'; readonly payload: Readonly<Record<string, unknown>> }
  | { readonly type: 'ping' | 'pong' }
  | { readonly type: 'subscribe'; readonly id: string; readonly payload: Readonly<Record<string, unknown>> }
  | { readonly type: 'complete'; readonly id: string };

/** It stands in every message to the client. */
const MAX_ID_CHARACTERS = 128;

/** Undefined: it is none. What the payload of `subscribe` says is for the request that is made of it to judge. */
export function parseMessage(text: string): ClientMessage | undefined {
  const { type, id, payload } = parseObject(text) ?? {};
  const isPayload = payload == null || isObject(payload);
  const isId = typeof id === 'string' && id.length > 0 && id.length <= MAX_ID_CHARACTERS;
  if (type === 'connection_init' && isPayload) return { type, payload: payload ?? {} };
  if ((type === 'ping' || type === 'pong') && isPayload) return { type };
  if (type === 'subscribe' && isId && isObject(payload)) return { type, id, payload };
  if (type === 'complete' && isId) return { type, id };
  return undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What one subscription is sent. Nothing comes behind a `last` one. */
export interface OperationMessage {
  readonly text: Buffer;
  readonly isLast: boolean;
}

const END_OF_EVENT = '\n\n';
const NEXT = Buffer.from('event: next\n');
const COMPLETE = Buffer.from('event: complete\n');
const DATA = '\ndata: ';
/** With this a response begins that has nothing but errors. */
const ONLY_ERRORS = Buffer.from('{"errors":');
const END = Buffer.from('}');

/**
 * The messages that say what these events of a response in `text/event-stream` say: `next` with the same bytes, `error` for a
 * response without data, `complete`. There is no part of an event in `events`.
 */
export function messagesOfEvents(id: string, events: Buffer): readonly OperationMessage[] {
  const messages: OperationMessage[] = [];
  let start = 0;
  for (;;) {
    const end = events.indexOf(END_OF_EVENT, start);
    if (end < 0) return messages;
    const event = events.subarray(start, end);
    start = end + END_OF_EVENT.length;
    const data = event.subarray(event.indexOf(DATA) + DATA.length);
    if (startsWith(event, COMPLETE)) messages.push(completeMessage(id));
    else if (startsWith(event, NEXT)) messages.push(nextMessage(id, data));
    if (messages.at(-1)?.isLast) return messages;
  }
}

function nextMessage(id: string, data: Buffer): OperationMessage {
  if (startsWith(data, ONLY_ERRORS)) {
    const { errors, ...others } = JSON.parse(data.toString());
    if (others.data == null) return errorMessage(id, errors);
  }
  return { text: Buffer.concat([headOf(id, 'next'), data, END]), isLast: false };
}

export function errorMessage(id: string, errors: readonly object[]): OperationMessage {
  return {
    text: Buffer.concat([headOf(id, 'error'), Buffer.from(JSON.stringify(errors)), END]),
    isLast: true,
  };
}

function completeMessage(id: string): OperationMessage {
  return { text: Buffer.from(JSON.stringify({ id, type: 'complete' })), isLast: true };
}

function headOf(id: string, type: 'next' | 'error'): Buffer {
  return Buffer.from(`{"id":${JSON.stringify(id)},"type":"${type}","payload":`);
}

function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.subarray(0, beginning.length).equals(beginning);
}
