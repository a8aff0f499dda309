import type { NumberMatch } from '../generated/graphql.ts';

/** How a number is compared. In links and in the field a `*` stands for the digits left open. */
export type MatchKind = 'startsWith' | 'is' | 'endsWith' | 'contains';

export interface NumberPattern {
  readonly kind: MatchKind;
  readonly digits: string;
}

/** `336*` starts with, `*78` ends with, `*34*` contains, `112` is. Null for nothing. */
export function parsePattern(text: string): NumberPattern | null {
  const trimmed = text.trim();
  const open = { before: trimmed.startsWith('*'), after: trimmed.length > 1 && trimmed.endsWith('*') };
  const digits = trimmed.replaceAll('*', '').replaceAll(/[\s().-]/g, '');
  if (digits === '') return null;
  if (open.before) return { kind: open.after ? 'contains' : 'endsWith', digits };
  return { kind: open.after ? 'startsWith' : 'is', digits };
}

export function printPattern({ kind, digits }: NumberPattern): string {
  const before = kind === 'endsWith' || kind === 'contains' ? '*' : '';
  const after = kind === 'startsWith' || kind === 'contains' ? '*' : '';
  return `${before}${digits}${after}`;
}

export function matchOf(pattern: NumberPattern | null): NumberMatch | null {
  return pattern && { [pattern.kind]: pattern.digits };
}
