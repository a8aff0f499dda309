/** Why nothing was changed. One sentence, or one a line, meant for the terminal. */
export class SetupRefusedError extends Error {
  override readonly name = 'SetupRefusedError';
}

/** A step that failed after others may have been done. Meant for the terminal. */
export class SetupFailedError extends Error {
  override readonly name = 'SetupFailedError';
}

export function refuse(sentence: string): never {
  throw new SetupRefusedError(sentence);
}
