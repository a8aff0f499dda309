/**
 * Told of memory whose content has been used up and that will be written again: read buffers and blocks of answers.
 * Nobody listens in production. Tests overwrite it, to see that no byte of one answer can ever reach another.
 */
export const usedMemory: { overwrite?: ((bytes: Buffer) => void) | undefined } = {};
