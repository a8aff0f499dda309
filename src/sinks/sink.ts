import type { Change } from './changes.ts';

/** Where changes are published: an ordered log that keeps them for others. */
export interface Sink {
  /** What was published there last; undefined: nothing is there. */
  readLast(): Promise<LastPublished | undefined>;
  /**
   * Publishes these, in order, behind what was there last. Rejects with SinkTakenError when somebody else has published
   * meanwhile, and with anything else when it is not known how many of them are there.
   */
  append(changes: readonly Change[]): Promise<void>;
  close(): void;
}

export interface LastPublished {
  /** Where the feed goes on behind it. */
  readonly position: string;
  /** More was to follow of the update that it is of: that is published again from its beginning. */
  readonly isPartial: boolean;
}

/** Another publisher writes to the same stream. */
export class SinkTakenError extends Error {
  override readonly name = 'SinkTakenError';
  constructor() {
    super('Something else was published meanwhile: is there a second publisher?');
  }
}

/** What is in the stream is none of ours. */
export class SinkForeignError extends Error {
  override readonly name = 'SinkForeignError';
  constructor(stream: string) {
    super(`What is last in the stream "${stream}" was not published by this program: choose another stream.`);
  }
}
