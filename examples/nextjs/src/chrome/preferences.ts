/** What a reader prefers, in cookies: the server then renders the page right at once, without a flash. */
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export const locales = ['en', 'fr'] as const;
export type Locale = (typeof locales)[number];

const YEAR_SECONDS = 31_536_000;

export function isTheme(value: string | undefined): value is Theme {
  return themes.includes(value as Theme);
}

export function isLocale(value: string | undefined): value is Locale {
  return locales.includes(value as Locale);
}

/** The first language of `Accept-Language` that we speak; English when there is none. */
export function preferredLocale(acceptLanguage: string | null): Locale {
  const wanted = (acceptLanguage ?? '')
    .split(',')
    .map((part) => part.trim().split(';'))
    .map(([tag = '', quality]) => ({
      tag: tag.slice(0, 2).toLowerCase(),
      quality: Number(quality?.split('=')[1] ?? 1),
    }))
    .sort((one, other) => other.quality - one.quality);
  return wanted.map(({ tag }) => tag).find(isLocale) ?? 'en';
}

export function rememberPreference(name: 'theme' | 'locale', value: string): void {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
}
