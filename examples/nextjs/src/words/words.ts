import type { Locale } from '../chrome/preferences.ts';
import { en } from './en.ts';
import { fr } from './fr.ts';

/** Everything the page says, in one language. `{name}` is filled in by `fill`. */
export type Words = Spoken<typeof en>;

/** The same shape, any text. */
type Spoken<T> = { readonly [K in keyof T]: T[K] extends string ? string : Spoken<T[K]> };

const dictionaries: Readonly<Record<Locale, Words>> = { en, fr };

/** Only the language that is read is sent to the browser. */
export function wordsOf(locale: Locale): Words {
  return dictionaries[locale];
}
