import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import type { ReactNode } from 'react';
import { isTheme } from '../chrome/preferences.ts';
import { currentLocale } from '../server/current-locale.ts';
import { wordsOf } from '../words/words.ts';
import './globals.css';

export async function generateMetadata(): Promise<Metadata> {
  const { title, signIn } = wordsOf(await currentLocale());
  return { title, description: signIn.about, robots: { index: false, follow: false } };
}

export const viewport: Viewport = { colorScheme: 'light dark' };

/** The theme is an attribute from the first byte on: nothing flashes, and no script is needed for it. */
export default async function Layout({ children }: { readonly children: ReactNode }) {
  const theme = (await cookies()).get('theme')?.value;
  return (
    <html lang={await currentLocale()} data-theme={isTheme(theme) ? theme : 'system'}>
      <body>{children}</body>
    </html>
  );
}
