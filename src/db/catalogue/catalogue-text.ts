import { encodingNamed } from '../wire/encodings.ts';

/** What of a database's text cannot be shown, or not be searched for, because of how it is kept. */
export function warningsAboutEncoding(encoding: string): readonly string[] {
  if (encoding === 'UTF8') return [];
  if (encoding === 'SQL_ASCII') {
    return [
      'The database is in SQL_ASCII, which is no encoding: text whose bytes are not UTF-8 is shown as null, with an error.',
    ];
  }
  if (encodingNamed(encoding)) {
    return [
      `The database is in ${encoding}: bytes that mean nothing there are shown as null, with an error, and a filter ` +
        'with a character that it lacks matches nothing.',
    ];
  }
  return [
    `The database is in ${encoding}, which PostgreSQL converts: a character without a counterpart in UTF-8 fails every ` +
      'query that shows it.',
  ];
}
