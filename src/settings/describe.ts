import { type Group, isGroup, type Setting } from './setting.ts';

/** Settings under one heading of the documentation. */
export interface Section {
  readonly title: string;
  readonly settings: readonly Setting[];
}

/** The settings of a group under their headings, in the order in which they are declared. */
export function sectionsOf(group: Group): readonly Section[] {
  const sections: { title: string; settings: Setting[] }[] = [];
  const add = ({ title, members }: Group) => {
    if (title !== undefined) sections.push({ title, settings: [] });
    for (const member of Object.values(members)) {
      if (isGroup(member)) add(member);
      else sections.at(-1)!.settings.push(member);
    }
  };
  add(group);
  return sections;
}

/** The settings as `--help` prints them. */
export function describeSettings(group: Group): string {
  return sectionsOf(group)
    .map(({ title, settings }) => `${title}\n${settings.map(describe).join('\n')}`)
    .join('\n\n');
}

function describe({ name, meaning, default: byDefault, secret }: Setting): string {
  const notes = [byDefault ? `default ${byDefault}` : '', secret ? `or ${name}_FILE` : ''].filter(Boolean);
  return `  ${name.padEnd(24)} ${meaning}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
}
