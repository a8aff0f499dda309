/** A problem keeps calls from being served; a warning is what will hurt later, or hurts somebody else. */
export type Severity = 'problem' | 'warning';

/** What mends it: a statement or a command, to be run there. */
export interface Remedy {
  readonly on: 'primary' | 'standby' | 'gateway';
  readonly run: string;
}

/** Something that is not as it should be. */
export interface Finding {
  /** Stable, for programs. */
  readonly code: string;
  readonly severity: Severity;
  /** The place of the server that it was seen on; undefined for what is between servers. */
  readonly server?: string | undefined;
  /** A sentence without the remedy. */
  readonly message: string;
  readonly remedy?: Remedy | undefined;
}

const places: Readonly<Record<Remedy['on'], string>> = {
  primary: 'On the primary',
  standby: 'On this standby',
  gateway: 'On the host of the gateway',
};

/** The finding in one line for people. */
export function describeFinding({ message, remedy }: Finding): string {
  return remedy ? `${message} ${places[remedy.on]}: ${remedy.run}` : message;
}

/** Takes a sentence apart that ends with its remedy, as the checks of the catalogue write them for the log. */
export function splitRemedy(sentence: string): Pick<Finding, 'message' | 'remedy'> {
  const found = /^(.*?[.:,]) [Oo]n the primary: (.*)$/s.exec(sentence);
  return found
    ? { message: found[1]!.replace(/,$/, ':'), remedy: { on: 'primary', run: found[2]! } }
    : { message: sentence };
}

/** A setting as the server itself changes it, which needs no more than a reload. */
export function alterSystem(name: string, value: string): string {
  return `alter system set ${name} = '${value}'; select pg_reload_conf();`;
}
