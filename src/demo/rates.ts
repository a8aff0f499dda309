/** A line of the demo's price list. Money is in millionths, so that arithmetic on it is exact. */
export interface Rate {
  /** E.164 without "+". Text: a prefix is not a number. */
  readonly prefix: string;
  readonly country: string;
  /** Null where the price list knows the country only. */
  readonly region: string | null;
  /** Millionths of the currency, for a minute, before the account's factor. */
  readonly pricePerMinute: number;
  /** Of a whole number that begins with this prefix. */
  readonly digits: number;
}

const LIST: readonly (readonly [string, string, string | null, number, number])[] = [
  ['331', 'France', 'Île-de-France', 5_200, 11],
  ['332', 'France', 'Nord-Ouest', 5_200, 11],
  ['333', 'France', 'Nord-Est', 5_200, 11],
  ['334', 'France', 'Sud-Est', 5_200, 11],
  ['335', 'France', 'Sud-Ouest', 5_200, 11],
  ['336', 'France', 'Mobile', 10_400, 11],
  ['337', 'France', 'Mobile', 10_900, 11],
  ['339', 'France', 'Non géographique', 6_300, 11],
  ['33800', 'France', 'Toll-free', 0, 11],
  ['33899', 'France', 'Premium', 210_000, 11],
  ['262', 'Réunion', null, 24_000, 12],
  ['590', 'Guadeloupe', null, 22_500, 12],
  ['44', 'United Kingdom', null, 6_100, 12],
  ['4420', 'United Kingdom', 'London', 4_900, 12],
  ['44121', 'United Kingdom', 'Birmingham', 5_300, 12],
  ['44161', 'United Kingdom', 'Manchester', 5_300, 12],
  ['447', 'United Kingdom', 'Mobile', 14_300, 12],
  ['49', 'Germany', null, 6_700, 12],
  ['4915', 'Germany', 'Mobile', 13_800, 13],
  ['4930', 'Germany', 'Berlin', 5_800, 12],
  ['4989', 'Germany', 'München', 5_800, 12],
  ['34', 'Spain', null, 6_900, 11],
  ['346', 'Spain', 'Mobile', 15_100, 11],
  ['39', 'Italy', null, 7_400, 12],
  ['393', 'Italy', 'Mobile', 19_600, 12],
  ['32', 'Belgium', null, 9_800, 11],
  ['324', 'Belgium', 'Mobile', 21_500, 11],
  ['41', 'Switzerland', null, 12_300, 11],
  ['417', 'Switzerland', 'Mobile', 38_700, 11],
  ['351', 'Portugal', null, 8_800, 12],
  ['31', 'Netherlands', null, 7_100, 11],
  ['316', 'Netherlands', 'Mobile', 17_900, 11],
  ['48', 'Poland', null, 9_300, 11],
  ['40', 'Romania', null, 11_700, 11],
  ['1', 'United States', null, 7_900, 11],
  ['1212', 'United States', 'New York', 6_800, 11],
  ['1305', 'United States', 'Miami', 6_800, 11],
  ['1310', 'United States', 'Los Angeles', 6_800, 11],
  ['1416', 'Canada', 'Toronto', 6_400, 11],
  ['1514', 'Canada', 'Montréal', 6_400, 11],
  ['52', 'Mexico', null, 12_900, 12],
  ['5255', 'Mexico', 'Ciudad de México', 9_100, 12],
  ['55', 'Brazil', null, 16_400, 13],
  ['5511', 'Brazil', 'São Paulo', 11_200, 13],
  ['57', 'Colombia', null, 21_300, 12],
  ['212', 'Morocco', null, 168_000, 12],
  ['2126', 'Morocco', 'Mobile', 293_500, 12],
  ['213', 'Algeria', null, 119_000, 12],
  ['216', 'Tunisia', null, 431_000, 11],
  ['20', 'Egypt', null, 98_500, 12],
  ['221', 'Senegal', null, 271_000, 12],
  ['225', "Côte d'Ivoire", null, 318_000, 13],
  ['234', 'Nigeria', null, 71_000, 13],
  ['2348', 'Nigeria', 'Mobile', 84_200, 13],
  ['254', 'Kenya', null, 137_000, 12],
  ['27', 'South Africa', null, 44_600, 11],
  ['90', 'Turkey', null, 38_200, 12],
  ['905', 'Turkey', 'Mobile', 171_300, 12],
  ['91', 'India', null, 11_400, 12],
  ['9122', 'India', 'Mumbai', 10_100, 12],
  ['92', 'Pakistan', null, 35_000, 12],
  ['923', 'Pakistan', 'Mobile', 38_500, 12],
  ['880', 'Bangladesh', null, 9_850, 13],
  ['8801', 'Bangladesh', 'Mobile', 10_350, 13],
  ['94', 'Sri Lanka', null, 146_000, 11],
  ['971', 'United Arab Emirates', null, 152_000, 12],
  ['966', 'Saudi Arabia', null, 97_300, 12],
  ['63', 'Philippines', null, 103_000, 12],
  ['84', 'Vietnam', null, 59_000, 11],
  ['86', 'China', null, 9_700, 13],
  ['81', 'Japan', null, 24_300, 12],
  ['61', 'Australia', null, 14_800, 11],
  ['881', 'Global satellite', null, 6_950_000, 12],
];

/** The whole list. */
export const rates: readonly Rate[] = LIST.map(([prefix, country, region, pricePerMinute, digits]) => ({
  prefix,
  country,
  region,
  pricePerMinute,
  digits,
}));

const byPrefix = new Map(rates.map((rate) => [rate.prefix, rate]));
const longest = Math.max(...rates.map(({ prefix }) => prefix.length));

/** The rate with the longest prefix that begins the number. */
export function matchRate(number: string): Rate | undefined {
  for (let length = Math.min(longest, number.length); length > 0; length--) {
    const rate = byPrefix.get(number.slice(0, length));
    if (rate) return rate;
  }
  return undefined;
}

export function findRate(prefix: string): Rate {
  const rate = byPrefix.get(prefix);
  if (!rate) throw new Error(`The price list has no prefix ${prefix}.`);
  return rate;
}
