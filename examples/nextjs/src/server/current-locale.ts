import { cookies, headers } from 'next/headers';
import { isLocale, type Locale, preferredLocale } from '../chrome/preferences.ts';

/** As chosen, else as the browser asks. */
export async function currentLocale(): Promise<Locale> {
  const chosen = (await cookies()).get('locale')?.value;
  return isLocale(chosen) ? chosen : preferredLocale((await headers()).get('accept-language'));
}
