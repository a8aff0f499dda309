/** A failure we explain in one sentence, meant for a person at a terminal: no stack trace helps them. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}
