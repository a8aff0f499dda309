// Written by "npm run schema" from src/schema.

/** What became of a call attempt. NER counts ANSWERED, BUSY, NO_ANSWER, REJECTED and CANCELLED as the network doing its work; everything else is a failure of network or switch. */
export type CallOutcome =
  /** Successful and with conversation: normal clearing and a duration above 0. */
  | 'ANSWERED'
  /** The called side was busy (Q.850 17, SIP 486 or 600). */
  | 'BUSY'
  /** The caller gave up before an answer. */
  | 'CANCELLED'
  /** Congestion or failure in a network (Q.850 34, 38, 41, 42, …; SIP 5xx). */
  | 'NETWORK'
  /** It rang, or the subscriber was absent, and nobody answered (Q.850 18–20, SIP 408 or 480). */
  | 'NO_ANSWER'
  /** The switch itself refused: no balance, no route, over capacity, forbidden destination. */
  | 'REFUSED'
  /** The called side declined (Q.850 21, SIP 603). */
  | 'REJECTED'
  /** The number is wrong, unallocated, changed or out of order (Q.850 1, 22, 27, 28, …; SIP 404, 484, …). */
  | 'UNREACHABLE';

/** A call detail record: one rated call attempt, as the switch wrote it when the call ended. CLI is the calling number, CLD the called number. Re-rating may change the amounts of a call later; nothing else changes. */
export interface Cdr {
  /** The account the call is charged to. */
  readonly accountId: string;
  /** Who is calling, as the network vouches for it (SIP P-Asserted-Identity). A caller may show another number as `cli`. Null where the switch recorded none. Whole with the permission `NUMBERS`, masked with `MASKED_NUMBERS`, otherwise null. */
  readonly assertedIdentity: string | null;
  /** Seconds charged for, after the tariff's rounding. 0 for a failed call. */
  readonly billedSeconds: number | null;
  /** The SIP Call-ID, to find the call in a trace. */
  readonly callId: string | null;
  /** What the call cost, exactly, in the account's currency: `currency`. Where the switch stores binary floating point, as every Sippy does, it is the decimal of its first 15 significant digits; a value that is no finite number is unreadable. */
  readonly chargedAmount: string | null;
  /** Called number (B-number) after translation. Whole with the permission `NUMBERS`, masked with `MASKED_NUMBERS`, otherwise null. */
  readonly cld: string | null;
  /** Called number as the switch received it. Whole with the permission `NUMBERS`, masked with `MASKED_NUMBERS`, otherwise null. */
  readonly cldIn: string | null;
  /** Calling number (A-number) after translation. Text: it may be `anonymous`, or begin with `+` or `00`. Whole with the permission `NUMBERS`, masked with `MASKED_NUMBERS`, otherwise null. */
  readonly cli: string | null;
  /** Calling number as the switch received it. Whole with the permission `NUMBERS`, masked with `MASKED_NUMBERS`, otherwise null. */
  readonly cliIn: string | null;
  /** When the called side answered; for a failed call, when it failed. Calls are listed by this time. Switches often write whole seconds, so many calls share one. */
  readonly connectTime: string;
  /** Country of the called number, from the rate prefix. */
  readonly country: string | null;
  /** ISO 4217 code of the amounts of the call: the currency of its account, `account.currency`. Null where the account is unknown or has none. Looked up once per account, however many calls it has. */
  readonly currency: string | null;
  /** The customer who owns the account. */
  readonly customerId: string | null;
  /** Why the call ended: the ITU-T Q.850 cause (16 normal, 17 busy, 34 no circuit, …). On a Sippy source the switch's own result: 0 success, above 0 a SIP status, below 0 an internal error. */
  readonly disconnectCause: number | null;
  /** The cause in words. */
  readonly disconnectReason: string | null;
  /** When the call ended. */
  readonly disconnectTime: string | null;
  /** Seconds of conversation, fractions included. 0 for a failed call. Where the switch stores binary floating point, as every Sippy does, it is the decimal of its first 15 significant digits; a value that is no finite number is unreadable. */
  readonly durationSeconds: string | null;
  /** The key of the call. It grows as calls end, so it is neither gap-free nor in connect time order. */
  readonly id: string;
  /** An id that no other object of any type has, for `node` and for caches that key objects by one field. Opaque; the same on every standby, and it never changes. */
  readonly nodeId: string;
  /** What became of the call, derived from cause and duration. Null when the cause is unknown, and when the duration decides and is no finite number. */
  readonly outcome: CallOutcome | null;
  /** Post-dial delay: seconds from the INVITE to the first ringing. Null when nothing rang. Where the switch stores binary floating point, as every Sippy does, it is the decimal of its first 15 significant digits; a value that is no finite number is unreadable. */
  readonly pddSeconds: string | null;
  /** What the tariff adds once the call has ended, in the account's currency; whether `chargedAmount` includes it depends on the switch. Always null on a Sippy source. */
  readonly postCallSurcharge: string | null;
  /** The rate prefix that priced the call. Text: a switch may write a word here when rating failed. */
  readonly prefix: string | null;
  /** The signalling protocol the call came in by, as the switch numbers its protocols: 1 is SIP. */
  readonly protocol: number | null;
  /** Part of the country, or kind of line, from the rate prefix. */
  readonly region: string | null;
  /** Who hung up: `caller` or `callee`. Null or empty for many failed calls. */
  readonly releaseSource: string | null;
  /** Address the call came from. */
  readonly remoteIp: string | null;
  /** When the call attempt reached the switch. */
  readonly setupTime: string | null;
  /** The caller's equipment, as it names itself. */
  readonly userAgent: string | null;
}

/** Which calls. All given parts must hold; a missing or null part restricts nothing, an empty list matches nothing. Give an account or a time range where you can: they make the answer quick. */
export interface CdrFilter {
  /** Calls of any of these accounts. */
  readonly accountIds?: readonly (string)[] | null | undefined;
  /** Calls that match at least one of these filters, beside the other parts. In all at most 50 filters in one another and side by side, and 10 deep. Reads every call of the other filters where an index does not help each of them. */
  readonly anyOf?: readonly (CdrFilter)[] | null | undefined;
  /** Any of these SIP Call-IDs, as `Cdr.callId` shows them. Reads every call of the other filters, unless the switch has an index of its own on them. */
  readonly callIds?: readonly (string)[] | null | undefined;
  /** Called number, after translation. Needs the permission `NUMBERS`. */
  readonly cld?: NumberMatch | null | undefined;
  /** Called number as the call arrived, before translation: as `Cdr.cldIn` shows it, so also `00336…` or `+336…`. Calls without one are left out. Needs the permission `NUMBERS`. */
  readonly cldIn?: NumberMatch | null | undefined;
  /** Calling number, after translation. Needs the permission `NUMBERS`. */
  readonly cli?: NumberMatch | null | undefined;
  /** Calling number as the call arrived, before translation: as `Cdr.cliIn` shows it. Calls without one are left out. Needs the permission `NUMBERS`. */
  readonly cliIn?: NumberMatch | null | undefined;
  /** Country of the called number, as `Cdr.country` shows it. */
  readonly countries?: readonly (string)[] | null | undefined;
  /** Calls of any of these customers. */
  readonly customerIds?: readonly (string)[] | null | undefined;
  /** Any of these causes, as `Cdr.disconnectCause` shows them. */
  readonly disconnectCauses?: readonly (number)[] | null | undefined;
  /** Connect time at or after this instant. */
  readonly from?: string | number | null | undefined;
  /** Conversation at most this long. Calls of which that is unknown, or no finite number, are left out. */
  readonly maxDurationSeconds?: string | number | null | undefined;
  /** Conversation at least this long. Calls of which that is unknown, or no finite number, are left out. */
  readonly minDurationSeconds?: string | number | null | undefined;
  /** Post-dial delay at least this long: the calls that rang late. Calls of which it is unknown, or no finite number, are left out. Reads every call of the other filters. */
  readonly minPddSeconds?: string | number | null | undefined;
  /** All calls but those that match this filter. A call of which that is unknown does not match, and stays: `not: { countries: ["FRANCE"] }` keeps calls without a country. All parts together leave a call out; to leave out calls that match one of several: `not: { anyOf: [{ countries: ["FRANCE"] }, { disconnectCauses: [16] }] }`. Reads every call of the other filters. */
  readonly not?: CdrFilter | null | undefined;
  /** Any of these outcomes. */
  readonly outcomes?: readonly (CallOutcome)[] | null | undefined;
  /** Any of these rate prefixes, whole, as `Cdr.prefix` shows them: "33" is not "331". For the numbers that begin with certain digits give `cld.startsWith`. Reads every call of the other filters. */
  readonly prefixes?: readonly (string)[] | null | undefined;
  /** Any of these regions of the called number, as `Cdr.region` shows them. Reads every call of the other filters; on a Sippy source looks the prefix of each up. */
  readonly regions?: readonly (string)[] | null | undefined;
  /** Who hung up, as `Cdr.releaseSource` shows it: `caller` or `callee`, and "" where the switch writes nothing into it. Reads every call of the other filters. */
  readonly releaseSources?: readonly (string)[] | null | undefined;
  /** The address the call came from, exactly. */
  readonly remoteIp?: string | null | undefined;
  /** Connect time before this instant: the range is half-open, so that days add up. */
  readonly to?: string | number | null | undefined;
  /** A call type of the older API. */
  readonly type?: CdrType | null | undefined;
}

/** The order of a list of calls, by connect time and then by id. */
export type CdrOrder =
  /** Latest connect time first. */
  | 'NEWEST_FIRST'
  /** Earliest connect time first. */
  | 'OLDEST_FIRST';

/** The call types of the older XML-RPC API. "Successful" is what the switch says: Q.850 cause 16 (a caller who hangs up before the answer included), or result 0, 200 or 202 on a Sippy source. A duration that is stored as no finite number (NaN, Infinity) is unknown. */
export type CdrType =
  /** Every attempt. */
  | 'ALL'
  /** Successful. */
  | 'COMPLETE'
  /** Not successful and without conversation, be its duration 0, unknown or below 0. */
  | 'ERRORS'
  /** Not successful. */
  | 'INCOMPLETE'
  /** With conversation: duration above 0. */
  | 'NON_ZERO'
  /** Duration above 0, or not successful. */
  | 'NON_ZERO_AND_ERRORS';

/** How a number is compared; all given parts must hold. Numbers are text as the switch writes them: no spaces, usually without `+`. There are no wildcards: `%`, `_` and backslash mean themselves. */
export interface NumberMatch {
  /** Digits anywhere. Reads every call of the other filters. */
  readonly contains?: string | null | undefined;
  /** The last digits. Reads every call of the other filters. */
  readonly endsWith?: string | null | undefined;
  /** The whole number. Uses an index where there is one on it. */
  readonly is?: string | null | undefined;
  /** The first digits, such as a country code. Uses an index where there is one on it. */
  readonly startsWith?: string | null | undefined;
}
