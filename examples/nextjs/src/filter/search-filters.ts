import type { CdrFilter } from '../generated/graphql.ts';
import { matchOf, type NumberPattern, parsePattern } from './number-pattern.ts';

/** The texts of a number that the gateway takes, and of a Call-ID. */
const MAX_NUMBER_CHARACTERS = 128;
const MAX_CALL_ID_CHARACTERS = 256;
/** What is dialled before a country. */
const MAX_DIALLED_BEFORE = 2;

/**
 * Calls with any of these numbers, as they were dialled or as they were translated, or with this Call-ID. What is neither
 * is also a caller's name: `anonymous`.
 */
export function searchFilters(texts: readonly string[]): CdrFilter[] {
  return texts.flatMap((text): CdrFilter[] => {
    const pattern = parsePattern(text);
    if (pattern !== null && isNumber(text, pattern)) {
      return [
        ...(['cld', 'cli'] as const).map((name) => ({ [name]: matchOf(pattern) })),
        ...(['cldIn', 'cliIn'] as const).flatMap((name) =>
          dialledForms(pattern).map(({ kind, digits }) => ({ [name]: { [kind]: digits } })),
        ),
      ];
    }
    const name = { is: beginningOf(text, MAX_NUMBER_CHARACTERS) };
    return [{ callIds: [beginningOf(text, MAX_CALL_ID_CHARACTERS)] }, { cli: name }, { cliIn: name }];
  });
}

function isNumber(text: string, { digits }: NumberPattern): boolean {
  return /^\*?\+?\d+\*?$/.test(text) && digits.length <= MAX_NUMBER_CHARACTERS - MAX_DIALLED_BEFORE;
}

/** As it arrives a number has its country with or without what is dialled before it. */
function dialledForms({ kind, digits }: NumberPattern): NumberPattern[] {
  const plain = { kind, digits: digits.replace(/^\+/, '') };
  if ((kind !== 'is' && kind !== 'startsWith') || !/^\+?[1-9]/.test(digits)) return [plain];
  return [plain, { kind, digits: `+${plain.digits}` }, { kind, digits: `00${plain.digits}` }];
}

/** At most so many characters, none of them cut in half. */
function beginningOf(text: string, maxCharacters: number): string {
  return text.slice(0, maxCharacters).replace(/[\uD800-\uDBFF]$/, '');
}
