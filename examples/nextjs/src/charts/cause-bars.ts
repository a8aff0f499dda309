import { outcomes } from '../filter/page-query.ts';
import type { GroupsQuery } from '../generated/graphql.ts';

type Group = NonNullable<GroupsQuery['cdrStats']>['rows'][number];
type Outcome = Group['outcome'];

/** The calls that ended with one cause, by what became of them: an answered and a cancelled call may share a cause. */
export interface CauseBar {
  readonly cause: number | null;
  readonly attempts: number;
  readonly parts: readonly { readonly outcome: Outcome; readonly attempts: number }[];
}

/** From groups by cause and outcome: the causes of most calls first, `most` of them. */
export function causeBars(
  groups: readonly Pick<Group, 'disconnectCause' | 'outcome' | 'attempts'>[],
  most: number,
): CauseBar[] {
  const byCause = Map.groupBy(groups, ({ disconnectCause }) => disconnectCause);
  return [...byCause]
    .map(([cause, members]) => ({
      cause,
      attempts: members.reduce((sum, { attempts }) => sum + Number(attempts), 0),
      parts: members
        .map(({ outcome, attempts }) => ({ outcome, attempts: Number(attempts) }))
        .sort((one, other) => placeOf(one.outcome) - placeOf(other.outcome)),
    }))
    .sort((one, other) => other.attempts - one.attempts)
    .slice(0, most);
}

/** As people read them; an unknown outcome last. */
function placeOf(outcome: Outcome): number {
  return outcome === null ? outcomes.length : outcomes.indexOf(outcome);
}
