import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { withHost } from '../db/doctor/server.ts';
import { parseAddress } from '../db/setup/hba.ts';
import type { LayoutKind } from '../db/setup/layout.ts';
import { checkPassword } from '../db/setup/password.ts';
import { megabytes } from '../db/setup/primary-plan.ts';
import { setupSettings } from '../db/setup/settings.ts';
import { refuse } from '../db/setup/setup-error.ts';
import type { TlsFiles } from '../db/setup/tls.ts';
import type { SslMode } from '../db/setup/walsender.ts';
import { postgresUrl } from '../settings/kinds.ts';
import { parseSettings } from '../settings/parse.ts';
import type { Environment } from '../settings/setting.ts';

type SharedValues = {
  readonly restart: boolean;
  readonly gateway: readonly string[];
  readonly listen?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly 'without-tls': boolean;
  readonly 'slot-wal'?: string | undefined;
  readonly role: string;
  readonly 'max-clock-offset': string;
};

export function parseShared(values: SharedValues) {
  const { restart, gateway, listen, role } = values;
  const slotWal = values['slot-wal'];
  if (slotWal !== undefined) megabytes(slotWal);
  if (listen !== undefined && isIP(listen) === 0) {
    refuse(`--listen: "${listen}" is no address, such as 10.0.0.12.`);
  }
  return {
    restart,
    listen,
    role: parseName(role, '--role'),
    slotWal,
    gateways: gateway.map((text) => parseAddress(text, '--gateway')),
    tls: parseTls(values),
    withoutTls: values['without-tls'],
    maxClockOffsetSeconds: parseOffset(values['max-clock-offset']),
  };
}

function parseTls({ certificate, key, ca, ...values }: SharedValues): TlsFiles | undefined {
  const files = [certificate, key, ca].filter((file) => file !== undefined);
  if (files.length === 0) return undefined;
  if (values['without-tls']) refuse('--without-tls and --certificate exclude each other.');
  if (!certificate || !key) return refuse('--certificate and --key go together.');
  const relative = files.find((file) => !file.startsWith('/'));
  if (relative) refuse(`"${relative}" is no whole path, and the server looks from another place.`);
  return { certificate, key, ca };
}

export function parseOffset(text: string): number {
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text)) return Number(text);
  return refuse(`--max-clock-offset: expected seconds, such as 5, got "${text}".`);
}

/** The URL may hold a password: it is never printed. */
export function parsePrimaryUrl(text: string | undefined): string {
  try {
    return postgresUrl.parse(withHost(text ?? ''));
  } catch {
    return refuse(
      'Say which primary, as a superuser: --url postgresql://postgres@db-1/sippy, or postgresql://postgres@/sippy?host=/var/run/postgresql on its own host.',
    );
  }
}

export function parseStandby(text: string): { name: string; address: string } {
  const [name, address, ...rest] = text.split('=');
  if (!name || !address || rest.length > 0) {
    refuse(`--standby: "${text}" is not NAME=ADDRESS, such as db-2=10.0.0.12.`);
  }
  return { name: parseName(name, '--standby'), address: parseAddress(address, '--standby') };
}

/** As it may stand in settings, in pg_hba.conf and, lower-case, in the name of a slot. */
export function parseName(text: string | undefined, option: string): string {
  if (text !== undefined && /^[A-Za-z][\w.-]{0,61}$/.test(text)) return text;
  return refuse(
    `${option}: expected a name such as db-2 (letters, digits, - _ and .)${text ? `, got "${text}"` : ''}.`,
  );
}

export function parseHosts(text: string | undefined): readonly { host: string; port: number }[] {
  if (!text) return refuse('Say where it streams from: --primary db-1, or --primary db-1:5432,db-3.');
  return text.split(',').map((place) => {
    const [, host, port = '5432'] = /^(\[[\da-f:]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(place) ?? [];
    if (!host) return refuse(`--primary: "${place}" is no host, such as db-1 or 10.0.0.11:5432.`);
    return { host: host.replace(/[[\]]/g, ''), port: parsePort(port)! };
  });
}

export function parsePort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port > 0 && port < 65_536
    ? port
    : refuse(`--port: expected 1 to 65535, got "${text}".`);
}

export function parseSslMode(text: string | undefined, withoutTls: boolean): SslMode {
  if (withoutTls)
    return text === undefined ? 'disable' : refuse('--without-tls and --sslmode exclude each other.');
  if (text === undefined || text === 'verify-full') return 'verify-full';
  if (text === 'verify-ca' || text === 'require') return text;
  return refuse(`--sslmode: expected verify-full, verify-ca or require, got "${text}".`);
}

export function parseRootCertificate(file: string | undefined, mode: SslMode): string | undefined {
  if (file === undefined && mode.startsWith('verify')) {
    refuse(`--sslmode ${mode} needs --sslrootcert, the file of who vouches for the primary.`);
  }
  if (file === undefined || (file.startsWith('/') && existsSync(file))) return file;
  return refuse(`--sslrootcert: there is no file "${file}" on this host, named by its whole path.`);
}

/** Of a file of gateways: both or none. */
export function parseStandbyUrl(
  text: string | undefined,
  file: string | undefined,
  action: 'add' | 'remove',
): string | undefined {
  if (action === 'remove') {
    return text === undefined ? undefined : refuse('--replica-url is for "replica add" alone.');
  }
  if ((text === undefined) !== (file === undefined)) refuse('--urls-file and --replica-url go together.');
  try {
    return text === undefined ? undefined : postgresUrl.parse(text);
  } catch {
    return refuse('--replica-url: expected a URL such as postgresql://gateway:secret@db-3/sippy.');
  }
}

export function parseLayout(text: string | undefined): LayoutKind | undefined {
  if (text === undefined || text === 'debian' || text === 'freebsd' || text === 'plain') return text;
  return refuse(`--layout: expected debian, freebsd or plain, got "${text}".`);
}

export function parsePassword(env: Environment): string | undefined {
  const { password } = parseSettings(setupSettings, env);
  return password === undefined ? undefined : checkPassword(password);
}

export function requireRights(accountId: number, isService: boolean): void {
  const own = process.getuid?.();
  if (own === 0 || (own === accountId && !isService)) return;
  refuse('Run this as root: files of the server are written as its user, and it is started as a service.');
}
