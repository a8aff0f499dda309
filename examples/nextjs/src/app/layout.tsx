import type { Metadata, Viewport } from 'next';
import { cookies } from 'next/headers';
import type { ReactNode } from 'react';
import { isTheme } from '../chrome/preferences.ts';
import { currentLocale } from '../server/current-locale.ts';
import './globals.css';

export const metadata: Metadata = {
  title: 'Call explorer',
  description: 'Every call, its cost and what became of it.',
  robots: { index: false, follow: false },
};

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
