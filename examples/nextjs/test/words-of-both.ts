/** Words, in small letters. Blanks to fill are none, and an apostrophe ends one. */
export function wordsIn(text: string): string[] {
  return (
    text
      .replaceAll(/\{\w+\}/g, ' ')
      .toLowerCase()
      .match(/\p{L}+/gu) ?? []
  );
}

/** Words and terms that French has in common with English: whatever else is in both lists was not translated. */
export const wordsOfBoth: ReadonlySet<string> = new Set(
  (
    'a d h j min s minute minutes million type mobile machine page destination destinations conversation cause route ' +
    'transit information circuit normal absent redirection non format service incompatible message acceptable large ' +
    'extension version invite session sessions protection archive code ' +
    'ctrl call id q sip sdp ok proxy codec cld cli did voip asr ner acd pdd ip utc csv xlsx excel json graphql curl javascript'
  ).split(' '),
);
