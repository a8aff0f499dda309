import { filePath, listOf, matching } from '../settings/kinds.ts';
import { settingGroup, type ValueOf } from '../settings/setting.ts';

/** What switches and trunks put before numbers; letters never stand there. */
const prefix = matching('prefixes such as 0099# or 8101,8102', /^[\d#*+]{1,16}$/);

/** The files that name the holders of numbers. They need not be readable yet: calls are served without them. */
export const numberingSettings = settingGroup({
  title: 'Holders of numbers',
  members: {
    planPath: {
      name: 'NUMBERING_PLAN',
      meaning: "File of number blocks and their holders, in the form of ARCEP's MAJNUM.csv",
      kind: filePath,
      example: '/var/lib/cdr-gateway/MAJNUM.csv',
    },
    operatorsPath: {
      name: 'NUMBERING_OPERATORS',
      meaning: "File of the holders' names, in the form of ARCEP's identifiants_CE.csv",
      kind: filePath,
      example: '/var/lib/cdr-gateway/identifiants_CE.csv',
    },
    stripPrefixes: {
      name: 'NUMBERING_STRIP_PREFIXES',
      meaning: 'Prefixes that the switch puts before numbers, taken off to look them up, comma separated',
      kind: listOf(prefix, prefix.expected),
      default: '',
    },
  },
  combine(values, report) {
    if (values.operatorsPath !== undefined && values.planPath === undefined) {
      report('NUMBERING_OPERATORS: of no use without NUMBERING_PLAN');
    }
    return values;
  },
});

export type NumberingFiles = ValueOf<typeof numberingSettings>;
