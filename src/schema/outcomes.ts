import type { Outcome } from '../db/sources/sources.ts';
import { builder } from './builder.ts';
import { described } from './described.ts';

const descriptions = {
  ANSWERED: 'Successful and with conversation: normal clearing and a duration above 0.',
  CANCELLED: 'The caller gave up before an answer.',
  BUSY: 'The called side was busy (Q.850 17, SIP 486 or 600).',
  NO_ANSWER: 'It rang, or the subscriber was absent, and nobody answered (Q.850 18–20, SIP 408 or 480).',
  REJECTED: 'The called side declined (Q.850 21, SIP 603).',
  UNREACHABLE:
    'The number is wrong, unallocated, changed or out of order (Q.850 1, 22, 27, 28, …; SIP 404, 484, …).',
  NETWORK: 'Congestion or failure in a network (Q.850 34, 38, 41, 42, …; SIP 5xx).',
  REFUSED: 'The switch itself refused: no balance, no route, over capacity, forbidden destination.',
} as const satisfies Record<Outcome, string>;

export const CallOutcomeEnum = builder.enumType('CallOutcome', {
  description:
    'What became of a call attempt. NER counts ANSWERED, BUSY, NO_ANSWER, REJECTED and CANCELLED as the network doing ' +
    'its work; everything else is a failure of network or switch.',
  values: described(descriptions),
});
