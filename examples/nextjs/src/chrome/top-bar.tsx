'use client';

import dynamic from 'next/dynamic';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { Icon } from './icon.tsx';
import { Popup } from './popup.tsx';
import { isTheme, type Locale, locales, rememberPreference, type Theme, themes } from './preferences.ts';
import { useView } from './view.tsx';

const ZoneChoice = dynamic(() => import('./zone-choice.tsx'), { ssr: false });

export interface TopBarProps {
  readonly zone: string;
  onZone(zone: string): void;
  onHelp(): void;
  /** The freshness badge. */
  readonly children: ReactNode;
}

/** What belongs to the reader rather than to what is shown: zone, language, theme, who they are. */
export function TopBar({ zone, onZone, onHelp, children }: TopBarProps) {
  const { words, user, formats } = useView();
  return (
    <header className="top">
      <h1>
        <span className="mark" aria-hidden="true" />
        {words.title}
        <span className="role">{words.roles[user.role]}</span>
      </h1>
      {children}
      <div className="top-end">
        <Popup
          label={`${words.zone.title}: ${formats.zoneLabel(Date.now())}`}
          className="button button-plain"
          buttonId="zone-button"
          face={
            <>
              <Icon name="globe" />
              <span className="word">{zone}</span>
            </>
          }
        >
          {(close) => (
            <ZoneChoice
              zone={zone}
              onZone={(next) => {
                onZone(next);
                close();
              }}
            />
          )}
        </Popup>
        <LocaleChoice />
        <ThemeChoice />
        <button
          type="button"
          className="button button-icon button-plain not-small"
          aria-label={words.keys.title}
          data-hint={words.keys.title}
          onClick={onHelp}
        >
          <Icon name="help" />
        </button>
        <Popup label={user.name} icon="user" className="button button-plain" buttonId="user-button">
          {() => (
            <form action="/api/sign-out" method="post" className="user-menu">
              <p>
                <strong>{user.name}</strong>
                <span className="aside"> {words.roles[user.role]}</span>
              </p>
              <button type="submit" className="button">
                {words.signIn.out}
              </button>
            </form>
          )}
        </Popup>
      </div>
    </header>
  );
}

function LocaleChoice() {
  const { words, formats } = useView();
  const router = useRouter();
  return (
    <label className="compact-select">
      <span className="for-ears">{words.language}</span>
      <select
        value={formats.locale}
        onChange={(event) => {
          rememberPreference('locale', event.target.value as Locale);
          router.refresh();
        }}
      >
        {locales.map((locale) => (
          <option key={locale} value={locale}>
            {locale.toUpperCase()}
          </option>
        ))}
      </select>
    </label>
  );
}

function ThemeChoice() {
  const { words } = useView();
  const [theme, setTheme] = useState<Theme>(() => {
    const given = document.documentElement.dataset.theme;
    return isTheme(given) ? given : 'system';
  });
  const next = themes[(themes.indexOf(theme) + 1) % themes.length]!;
  const label = `${words.theme.title}: ${words.theme[theme]}`;
  return (
    <button
      type="button"
      className="button button-icon button-plain"
      aria-label={label}
      data-hint={label}
      data-theme-button={theme}
      onClick={() => {
        setTheme(next);
        document.documentElement.dataset.theme = next;
        rememberPreference('theme', next);
      }}
    >
      <Icon name={theme === 'dark' ? 'moon' : theme === 'light' ? 'sun' : 'contrast'} />
    </button>
  );
}
