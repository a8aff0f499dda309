/** Numbers, money, times and lengths as a person of the language reads them. Everything by Intl: no library. */
export interface Formats {
  readonly locale: string;
  readonly zone: string;
  count(value: number): string;
  /** 1.2M */
  shortCount(value: number): string;
  /** Of a value that is in per cent already; a dash when unknown. */
  percent(value: number | null): string;
  /** Exact decimal text in, so that nothing is lost on the way. `digits` at most. */
  decimal(text: string, digits?: number): string;
  /** In the currency, or bare where it is unknown. Small amounts keep up to five digits: calls cost little. */
  money(text: string, currency: string | null): string;
  /** 0:07, 3:05, 1:02:09 */
  clock(seconds: number): string;
  /** 4.2 s, 3 min 5 s */
  seconds(value: number | null): string;
  /** 5 minutes */
  length(value: number, unit: 'second' | 'minute' | 'hour' | 'day'): string;
  /** Nov 20, 10:57:03 */
  time(iso: string): string;
  /** Fri, Nov 20, 2026, 10:57:03.123456 */
  fullTime(iso: string): string;
  /** 10:57:03 */
  clockTime(at: number): string;
  /** Nov 20, 10:57 */
  minute(at: number): string;
  /** Nov 20 */
  day(at: number): string;
  /** Nov 2026 */
  month(at: number): string;
  /** Europe/Paris (GMT+1) */
  zoneLabel(at: number): string;
  /** 0 Monday to 6 Sunday, and the hour of the day, in the zone. */
  weekHour(at: number): { readonly weekday: number; readonly hour: number };
  /** Mon */
  weekday(index: number): string;
  /** The name of a country by its ISO code, as the browser knows it. */
  region(code: string): string;
  /** A country as the switch calls it, in English, in the reader's language where it is known. */
  country(name: string): string;
  plural(value: number): Intl.LDMLPluralRule;
}

const DASH = '–';
/** A Monday. */
const MONDAY = Date.UTC(2024, 0, 1);

export function createFormats(locale: string, zone: string): Formats {
  const number = new Intl.NumberFormat(locale);
  const short = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const one = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const plurals = new Intl.PluralRules(locale);
  const instant = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: 'h23', ...options });
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  const time = instant({ month: 'short', day: '2-digit', ...clock });
  const full = instant({ weekday: 'short', year: 'numeric', month: 'short', day: 'numeric', ...clock });
  const clockTime = instant(clock);
  const minute = instant({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
  const day = instant({ month: 'short', day: 'numeric' });
  const month = instant({ month: 'short', year: 'numeric' });
  const weekParts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    hourCycle: 'h23',
  });
  const weekdayName = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', weekday: 'short' });
  const regions = new Intl.DisplayNames(locale, { type: 'region' });
  const moneyFormats = new Map<string, Intl.NumberFormat>();
  const decimals = new Map<number, Intl.NumberFormat>();

  const seconds = (value: number | null) => {
    if (value === null) return DASH;
    if (value < 60) return `${one.format(value)} s`;
    const whole = Math.round(value);
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  };

  return {
    locale,
    zone,
    count: (value) => number.format(value),
    shortCount: (value) => (value < 10_000 ? number.format(value) : short.format(value)),
    percent: (value) => (value === null ? DASH : percent.format(value / 100)),
    decimal(text, digits = 6) {
      const format = decimals.get(digits) ?? new Intl.NumberFormat(locale, { maximumFractionDigits: digits });
      decimals.set(digits, format);
      return format.format(text as Intl.StringNumericLiteral);
    },
    money(text, currency) {
      const isSmall = Math.abs(Number(text)) < 1 && Number(text) !== 0;
      const key = `${currency} ${isSmall}`;
      const format = moneyFormats.get(key) ?? moneyFormat(locale, currency, isSmall);
      moneyFormats.set(key, format);
      return format.format(text as Intl.StringNumericLiteral);
    },
    clock: clockText,
    seconds,
    length: (value, unit) =>
      new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value),
    time: (iso) => time.format(Date.parse(iso)),
    fullTime: (iso) => `${full.format(Date.parse(iso))}${iso.slice(19).replace('Z', '')}`,
    clockTime: (at) => clockTime.format(at),
    minute: (at) => minute.format(at),
    day: (at) => day.format(at),
    month: (at) => month.format(at),
    zoneLabel: (at) => (zone === 'UTC' ? 'UTC' : `${zone} (${offsetOf(zone, at)})`),
    weekHour(at) {
      const parts = weekParts.formatToParts(at);
      const part = (type: string) => parts.find((found) => found.type === type)?.value ?? '';
      const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
      return { weekday: weekdays.indexOf(part('weekday')), hour: Number(part('hour')) };
    },
    weekday: (index) => weekdayName.format(MONDAY + index * 86_400_000),
    region: (code) => regions.of(code) ?? code,
    country(name) {
      if (locale.startsWith('en')) return name;
      const code = codesByEnglishName().get(plainName(name));
      return code === undefined ? name : (regions.of(code) ?? name);
    },
    plural: (value) => plurals.select(value),
  };
}

let codes: Map<string, string> | undefined;

/** Of every country that the browser can name, made when it is first needed. */
function codesByEnglishName(): ReadonlyMap<string, string> {
  if (codes) return codes;
  const english = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  codes = new Map();
  for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
    const name = english.of(code);
    // Codes that are no longer used have the name of the one that is.
    if (name !== undefined && !codes.has(plainName(name))) codes.set(plainName(name), code);
  }
  return codes;
}

/** Switches write `COTE D'IVOIRE` for Côte d’Ivoire. */
function plainName(name: string): string {
  return name.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('’', "'").toLowerCase();
}

function moneyFormat(locale: string, currency: string | null, isSmall: boolean): Intl.NumberFormat {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: isSmall ? 5 : 2 };
  if (!currency || !/^[A-Z]{3}$/.test(currency)) return new Intl.NumberFormat(locale, digits);
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    ...digits,
  });
}

function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function offsetOf(zone: string, at: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    timeZoneName: 'shortOffset',
  }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone;
}

/** Whether the browser, and so the gateway's IANA names, know the zone. */
export function isZone(zone: string): boolean {
  // Browsers also know "+05:30", which the gateway does not.
  return /^[a-z]/i.test(zone) && foundZone(zone) !== undefined;
}

/**
 * The zone as the gateway spells it: browsers take `europe/paris` too. A name that browsers have another one for stays,
 * unless its letters are not those of a name.
 */
export function spelledZone(zone: string): string {
  const found = foundZone(zone);
  if (found === undefined) return zone;
  const isSpelled = zone.split('/').every((part) => /^[A-Z]/.test(part)) && !/[A-Z]{4,}\//.test(zone);
  return isSpelled && found.toLowerCase() !== zone.toLowerCase() ? zone : found;
}

function foundZone(zone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
