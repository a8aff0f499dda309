/** A comment, a string, or a regular expression where one may begin: what is in it is no code. */
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/y;
const STRING = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y;
const REGEX = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE_TEXT = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
const NAME = /[A-Za-z_$#][\w$]*/y;
const MAY_PRECEDE_REGEX = /(?:^|[=(,:;[!&|?{}>+]|\breturn|\bcase)\s*$/;

/** The names in a file of TypeScript: not in its comments, and not in the text of its strings. */
export function identifiersOf(source: string): Set<string> {
  const names = new Set<string>();
  /** How many braces are open in each `${…}` that surrounds this place. */
  const templates: number[] = [];
  let at = 0;
  const skip = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const skipTemplate = () => {
    skip(TEMPLATE_TEXT);
    if (source.startsWith('${', at)) templates.push(0);
    at += source[at] === '`' ? 1 : 2;
  };
  while (at < source.length) {
    if (skip(COMMENT) || skip(STRING)) continue;
    if (MAY_PRECEDE_REGEX.test(source.slice(Math.max(0, at - 12), at)) && skip(REGEX)) continue;
    const name = skip(NAME);
    if (name !== undefined) {
      names.add(name);
      continue;
    }
    const sign = source[at++];
    if (sign === '`') skipTemplate();
    else if (sign === '{' && templates.length > 0) templates[templates.length - 1]! += 1;
    else if (sign === '}' && templates.at(-1) === 0) {
      templates.pop();
      skipTemplate();
    } else if (sign === '}' && templates.length > 0) templates[templates.length - 1]! -= 1;
  }
  return names;
}
