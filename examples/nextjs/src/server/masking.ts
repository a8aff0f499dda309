/** Fields that hold a number of a person. */
const numberFields = new Set(['cli', 'cld', 'cliIn', 'cldIn']);

/** `33612345678` becomes `3361•••••78`: the destination and the length stay, the person goes. */
export function maskNumber(number: string): string {
  if (number.length <= 6) return '•'.repeat(number.length);
  return `${number.slice(0, 4)}${'•'.repeat(number.length - 6)}${number.slice(-2)}`;
}

/** The same value with every number masked, however deep it lies. */
export function maskNumbers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskNumbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      numberFields.has(key) && typeof member === 'string' ? maskNumber(member) : maskNumbers(member),
    ]),
  );
}
