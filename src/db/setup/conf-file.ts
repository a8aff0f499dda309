/** Settings of a file in PostgreSQL's format: of two lines with one name the last counts. */
export function parseConf(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, quoted, bare] = /^\s*([\w.]+)\s*=?\s*(?:'((?:[^']|'')*)'|([^\s#']+))/.exec(line) ?? [];
    if (name) settings.set(name, quoted?.replaceAll("''", "'") ?? bare ?? '');
  }
  return settings;
}

/** The text with these settings in place of what it said of them. */
export function withSettings(text: string, settings: ReadonlyMap<string, string>): string {
  const kept = text
    .split('\n')
    .filter((line) => !settings.has(/^\s*([\w.]+)/.exec(line)?.[1] ?? '') && line !== '');
  const added = [...settings].map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `${[...kept, ...added].join('\n')}\n`;
}
