import { type Section, sectionsOf } from '../src/settings/describe.ts';
import type { Setting } from '../src/settings/setting.ts';
import { allSettings } from '../src/settings.ts';

/** docs/settings.md and .env.example, from the declarations of the settings. */
export const settingsFiles: Readonly<Record<string, () => string>> = {
  'docs/settings.md': () => `${INTRODUCTION}\n${sectionsOf(allSettings).map(table).join('\n')}\n${REMARKS}`,
  '.env.example': () => `${ENV_INTRODUCTION}\n${sectionsOf(allSettings).map(envLines).join('\n')}`,
};

const INTRODUCTION = `<!-- Written by "npm run schema" from the settings.ts of each part in src. -->

# Settings

All from the environment; \`npm start -- --help\` prints them too. A wrong setting stops the start, and every wrong one is
named at once. A secret may be given as \`NAME_FILE\`, the path of a file that holds it; its value is never printed. What is
empty counts as not given.
`;

const REMARKS = `A file of numbers that is missing or useless is no wrong setting: calls are served without it, the log and \`doctor\` say so,
and it is read as soon as it is there. [operations.md](operations.md#who-holds-a-number) tells where to get the files.
The older spelling of one standby is looked at when \`DB_HOST\` is given and \`REPLICA_URLS\` is not; what else is named
\`OTEL_…\` when one of the two endpoints is given.
`;

function table({ title, settings }: Section): string {
  const rows = settings.map(
    (setting) =>
      `| \`${setting.name}\` | ${setting.default ? `\`${setting.default}\`` : '–'} | ${setting.meaning} | ${
        setting.secret ? 'secret: ' : ''
      }${setting.kind.expected} |\n`,
  );
  return `## ${title}\n\n| setting | default | meaning | takes |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

const ENV_INTRODUCTION = `# Settings of the gateway, as in docs/settings.md. What need not be set is commented out, with its default or an example.
# A value with # in it, such as a URL that ends in #name, goes in quotation marks: what follows a bare # is a comment.
`;

function envLines({ title, settings }: Section): string {
  return `# --- ${title} ---\n${settings.map(envLine).join('')}`;
}

function envLine({ name, meaning, default: byDefault, example, needed }: Setting): string {
  return `# ${meaning}\n${needed ? '' : '# '}${name}=${byDefault ?? example ?? ''}\n`;
}
