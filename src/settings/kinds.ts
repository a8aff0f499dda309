import { type Kind, UnexpectedTextError } from './setting.ts';

/** The kinds of settings that more than one part has. */

export const text: Kind<string> = { expected: 'text', parse: (value) => value };

export const filePath: Kind<string> = { expected: 'the path of a file', parse: (value) => value };

export const boolean: Kind<boolean> = {
  expected: 'true or false',
  parse: (value) => oneOf('true', 'false').parse(value) === 'true',
};

export const seconds: Kind<number> = matching('seconds, such as 30 or 0.5', /^\d{1,9}(\.\d{1,6})?$/, Number);

export const postgresUrl: Kind<string> = {
  expected: 'a URL such as postgresql://gateway:secret@replica-1:5432/sippy',
  parse(value) {
    const { username, password, pathname, hash } = new URL(urlOf(value, /^postgres(ql)?:$/));
    try {
      // The driver would throw on these, with the whole URL in its message.
      for (const part of [username, password, pathname, hash]) decodeURIComponent(part);
    } catch {
      throw new UnexpectedTextError(value);
    }
    return value;
  },
};

export const httpUrl: Kind<string> = {
  expected: 'a URL such as http://collector:4318',
  parse: (value) => urlOf(value, /^https?:$/),
};

/** Of the header Authorization: what a client sends after "Bearer". */
export const bearerToken: Kind<string> = matching(
  'at least 16 printable characters without spaces',
  /^[\x21-\x7e]{16,512}$/,
);

export function wholeNumber(min: number, max: number): Kind<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse(value) {
      const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      throw new UnexpectedTextError(value);
    },
  };
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Kind<T> {
  return {
    expected: `one of ${allowed.join(', ')}`,
    parse(value) {
      const found = allowed.find((item) => item === value);
      if (found !== undefined) return found;
      throw new UnexpectedTextError(value);
    },
  };
}

/** Text of a certain form. */
export function matching(expected: string, form: RegExp): Kind<string>;
export function matching<T>(expected: string, form: RegExp, convert: (text: string) => T): Kind<T>;
export function matching<T>(
  expected: string,
  form: RegExp,
  convert: (text: string) => T | string = (value) => value,
): Kind<T | string> {
  return {
    expected,
    parse(value) {
      if (form.test(value)) return convert(value);
      throw new UnexpectedTextError(value);
    },
  };
}

/** Items with commas between them; `expected` speaks of the list. Spaces around items, and empty ones, do not count. */
export function listOf<T>(item: Kind<T>, expected = `${item.expected}, comma separated`): Kind<readonly T[]> {
  return {
    expected,
    parse: (value) => splitList(value).map((part) => item.parse(part)),
  };
}

/** The items of a list with commas between them. */
export function splitList(value: string): readonly string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

function urlOf(value: string, protocol: RegExp): string {
  if (URL.canParse(value) && protocol.test(new URL(value).protocol)) return value;
  throw new UnexpectedTextError(value);
}
