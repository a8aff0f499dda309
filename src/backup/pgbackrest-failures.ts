interface Explanation {
  readonly when: RegExp;
  readonly sentence: string;
}

/** The first that matches what pgBackRest says. Its own words follow, since they name the file or the host. */
const explanations: readonly Explanation[] = [
  // Of object stores first: what they answer has words of the others in it.
  { when: /NoSuchBucket/, sentence: 'The bucket is not there: nothing here makes one.' },
  {
    when: /RequestTimeTooSkewed/,
    sentence:
      'The clock of this host is off by a quarter of an hour and more, which the object store refuses.',
  },
  {
    when: /InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|AuthorizationHeaderMalformed|HTTP request failed with 40[13]/,
    sentence: 'The object store refuses the keys (repo1-s3-key, repo1-s3-key-secret), or what they may do.',
  },
  {
    when: /certificate verify failed|unable to verify certificate|unable to find hostname .* in certificate|self[- ]signed certificate/i,
    sentence: 'Its certificate is not one that this host trusts: see repo1-storage-ca-file.',
  },
  { when: /No space left on device|\[28\]|disk quota/i, sentence: 'There is no space left where it writes.' },
  // A write that the disk took half of has no number of the system.
  { when: /unable to write '/i, sentence: 'It cannot write there: no space is left, or the disk fails.' },
  {
    when: /(backup|archive)\.info.*(Crypto|cipher|FormatError)|(Crypto|cipher|FormatError).*(backup|archive)\.info/i,
    sentence:
      'The repository cannot be decrypted: its passphrase (repo1-cipher-pass) is another one, or its own files are damaged.',
  },
  {
    when: /actual checksum|checksum .* does not match|invalid checksum|unexpected eof|CryptoError|unable to flush|cipher header|FormatError/i,
    sentence: 'A file of the backup is damaged, or only half of it was written.',
  },
  {
    when: /do not match the database|system-id|stanza upgrade|database id .* mismatch/i,
    sentence: 'The repository is of another cluster than this one, or of one from before an upgrade.',
  },
  {
    when: /unable to acquire lock/i,
    sentence: 'Another backup of this stanza is running, or was stopped by "pgbackrest stop".',
  },
  {
    when: /WAL segment .* was not archived|archive_timeout|before the \d+ms timeout/i,
    sentence: 'The primary does not archive its WAL: see archive_mode, archive_command and its log.',
  },
  { when: /archive_mode must be enabled/i, sentence: 'The primary does not archive: archive_mode is off.' },
  {
    when: /archive_command .* must contain/i,
    sentence: 'The primary archives with something else than pgBackRest: see its archive_command.',
  },
  {
    when: /no prior backup exists|unable to find backup set|no backup set/i,
    sentence: 'There is no backup that reaches as far back.',
  },
  { when: /backup set .* is not valid|not a valid backup/i, sentence: 'There is no such backup.' },
  {
    when: /HostConnectError|unable to connect to|timeout .*connect|Connection refused|unable to get address/i,
    sentence: 'It cannot be reached.',
  },
  { when: /unable to find primary cluster/i, sentence: 'No primary answers.' },
  {
    when: /unable to find standby cluster/i,
    sentence: 'No standby answers, and a backup is taken from one.',
  },
  {
    when: /missing stanza path|archive\.info|backup\.info|has a stanza-create been performed/i,
    sentence:
      'The repository is not there, or has never been set up: "pgbackrest stanza-create" does that once.',
  },

  {
    when: /Permission denied|\[13\]/i,
    sentence: 'It may not read or write there: run it as the user that owns it.',
  },
];

/** A sentence, and pgBackRest's own words with the number of its error behind it. */
export function explainFailure(code: number | null, stderr: string): string {
  const found = /ERROR: \[(\d+)\]: ([\s\S]*?)(?=\nP\d+ |$)/.exec(stderr);
  return explainWords(found?.[2] ?? stderr, found?.[1] ?? String(code));
}

const MAX_CHARACTERS = 600;

/** The same of words without a number, or with one. */
export function explainWords(text: string, number?: string): string {
  const words = text.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_CHARACTERS);
  const known = explanations.find(({ when }) => when.test(words));
  const own = `pgBackRest${number ? ` [${number}]` : ''}: ${words || 'it gave no reason'}`;
  return known ? `${known.sentence} (${own})` : own;
}
