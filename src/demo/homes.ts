/** Where an account's own users are: its clock, its money, the numbers it has and mostly calls. */
export interface Home {
  /** IANA name. */
  readonly timeZone: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Prefixes of the price list. */
  readonly mobile: readonly string[];
  readonly fixed: readonly string[];
  readonly other: readonly string[];
  /** E.164 country code and what people dial in its place. */
  readonly countryCode: string;
  readonly trunkPrefix: string;
  readonly internationalPrefix: string;
}

const france: Home = {
  timeZone: 'Europe/Paris',
  currency: 'EUR',
  mobile: ['336', '337'],
  fixed: ['331', '334', '332', '333', '335'],
  other: ['339'],
  countryCode: '33',
  trunkPrefix: '0',
  internationalPrefix: '00',
};

const unitedKingdom: Home = {
  timeZone: 'Europe/London',
  currency: 'GBP',
  mobile: ['447'],
  fixed: ['4420', '44161', '44121', '44'],
  other: ['44'],
  countryCode: '44',
  trunkPrefix: '0',
  internationalPrefix: '00',
};

const northAmerica: Home = {
  timeZone: 'America/New_York',
  currency: 'USD',
  mobile: ['1'],
  fixed: ['1212', '1305', '1310', '1416', '1514'],
  other: ['1'],
  countryCode: '1',
  trunkPrefix: '1',
  internationalPrefix: '011',
};

/** Accounts with people behind them; France more often than the others. */
export const homes: readonly Home[] = [france, france, unitedKingdom, france, northAmerica];

/** A trunk between carriers: it follows the clock of where its calls go. */
export interface Corridor {
  readonly timeZone: string;
  /** Prefixes of the price list, the busiest first: together about nine calls in ten. */
  readonly routes: readonly string[];
  /** There the week rests on Friday. */
  readonly restsOnFriday: boolean;
}

export const corridors: readonly Corridor[] = [
  { timeZone: 'Asia/Karachi', routes: ['923', '8801', '92', '880', '91'], restsOnFriday: true },
  { timeZone: 'Asia/Kolkata', routes: ['91', '9122', '94', '923', '8801'], restsOnFriday: false },
  { timeZone: 'Africa/Lagos', routes: ['2348', '234', '254', '221', '225'], restsOnFriday: false },
  { timeZone: 'America/Mexico_City', routes: ['52', '5255', '57', '5511', '55'], restsOnFriday: false },
  { timeZone: 'Africa/Algiers', routes: ['213', '2126', '216', '212', '20'], restsOnFriday: true },
  { timeZone: 'Asia/Manila', routes: ['63', '84', '86', '971', '966'], restsOnFriday: false },
];

/** Trunks are settled in dollars, in every time zone. */
export const CORRIDOR_CURRENCY = 'USD';
