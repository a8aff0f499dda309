/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How the text of a setting becomes a value. */
export interface Kind<T> {
  /** Completes the sentences "expected …" of an error and "takes …" of the documentation; has an example in it. */
  readonly expected: string;
  /** Throws UnexpectedTextError. */
  parse(text: string): T;
}

/** What cannot be parsed: the whole text, or the item of a list that is wrong. */
export class UnexpectedTextError extends Error {
  readonly text: string;
  constructor(text: string) {
    super('unexpected text');
    this.text = text;
  }
}

/** One variable of the environment. */
export interface Setting<T = unknown> {
  readonly name: string;
  /** For `--help`, docs/settings.md and .env.example. */
  readonly meaning: string;
  readonly kind: Kind<T>;
  /** In the form in which it would be given. Without one the value is undefined when nothing is given. */
  readonly default?: string;
  /** May be given as NAME_FILE too, the path of a file that holds it. Its value is never printed. */
  readonly secret?: boolean;
  /** Its value may hold a password though it is not made to: never printed either. */
  readonly mayHoldPassword?: boolean;
  /** Shown in .env.example where there is no default. */
  readonly example?: string;
  /** A gateway does not start without it: .env.example leaves a place for it. */
  readonly needed?: boolean;
}

/** Settings of one part of the gateway, perhaps with groups inside. */
export interface Group<Value = unknown> {
  /** Heading of its settings in the documentation; without one they stand with those of the group around. */
  readonly title: string | undefined;
  readonly members: Members;
  /** When it is false the group is not looked at, and its value is undefined. */
  isUsed(isSet: IsSet): boolean;
  /** Makes the value of the group from the values of its members, each of them well. */
  combine(values: never, report: Report): Value;
}

export type Members = Readonly<Record<string, Setting | Group>>;

/** Whether something was given for the setting, directly or in a file. */
export type IsSet = (setting: Setting) => boolean;

/** Notes that settings do not go together, in a sentence that begins with their names. */
export type Report = (problem: string) => void;

/** What a setting or a group is worth to the code that uses it. */
export type ValueOf<Member> =
  Member extends Group<infer Value>
    ? Value
    : Member extends { readonly kind: Kind<infer T> }
      ? Member extends { readonly default: string }
        ? T
        : T | undefined
      : never;

export type ValuesOf<M extends Members> = { readonly [Key in keyof M]: ValueOf<M[Key]> };

interface Declaration<M extends Members, Value> {
  readonly title?: string;
  readonly members: M;
  /** The values of the members as they are, when absent. */
  readonly combine?: (values: ValuesOf<M>, report: Report) => Value;
}

/** Declares the settings of a part. The types of their values follow from their rows. */
export function settingGroup<const M extends Members, Value = ValuesOf<M>>({
  title,
  members,
  combine,
}: Declaration<M, Value>): Group<Value> & { readonly members: M } {
  return { title, members, isUsed: () => true, combine: combine ?? ((values) => values as Value) };
}

/** The same for settings that are looked at only when `isUsed` says so; otherwise the value is undefined. */
export function optionalGroup<const M extends Members, Value = ValuesOf<M>>({
  isUsed,
  ...declaration
}: Declaration<M, Value> & { readonly isUsed: (isSet: IsSet) => boolean }): Group<Value | undefined> & {
  readonly members: M;
} {
  return { ...settingGroup<M, Value>(declaration), isUsed };
}

export function isGroup(member: Setting | Group): member is Group {
  return 'members' in member;
}

/** Every setting of a group and of the groups inside, in the order in which they are declared. */
export function settingsIn(group: Group): readonly Setting[] {
  return Object.values(group.members).flatMap((member) => (isGroup(member) ? settingsIn(member) : [member]));
}
