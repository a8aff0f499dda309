/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
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

/** What calls are grouped by. Several at once are possible, but only one of time. */
export type CdrDimension =
  /** Account charged. */
  | 'ACCOUNT'
  /** Called number. */
  | 'CLD'
  /** Country of the called number. */
  | 'COUNTRY'
  /** Currency of the amounts, which is that of the account: `Cdr.currency`. Null where it is unknown. */
  | 'CURRENCY'
  /** Customer who owns the account. */
  | 'CUSTOMER'
  /** Day of connect time, from midnight to midnight in `timeZone`. */
  | 'DAY'
  /** Cause, as `Cdr.disconnectCause` shows it. */
  | 'DISCONNECT_CAUSE'
  /** Hour of connect time, in `timeZone`. A day has 23 or 25 of them when clocks change. */
  | 'HOUR'
  /** Minute of connect time, in `timeZone`. */
  | 'MINUTE'
  /** Month of connect time, in `timeZone`. */
  | 'MONTH'
  /** What became of the call. */
  | 'OUTCOME'
  /** Rate prefix of the called number. */
  | 'PREFIX'
  /** Quarter of an hour of connect time, in `timeZone`. */
  | 'QUARTER_HOUR'
  /** Region of the called number, as `Cdr.region` shows it. */
  | 'REGION'
  /** Who hung up, as `Cdr.releaseSource` shows it. */
  | 'RELEASE_SOURCE'
  /** Address the call came from. */
  | 'REMOTE_IP'
  /** ISO week of connect time, from Monday, in `timeZone`. */
  | 'WEEK';

/** Which calls. All given parts must hold; a missing or null part restricts nothing, an empty list matches nothing. Give an account or a time range where you can: they make the answer quick. */
export type CdrFilter = {
  /** Calls of any of these accounts. */
  accountIds?: Array<string> | null | undefined;
  /** Calls that match at least one of these filters, beside the other parts. In all at most 50 filters in one another and side by side, and 10 deep. Reads every call of the other filters where an index does not help each of them. */
  anyOf?: Array<CdrFilter> | null | undefined;
  /** Any of these SIP Call-IDs, as `Cdr.callId` shows them. Reads every call of the other filters, unless the switch has an index of its own on them. */
  callIds?: Array<string> | null | undefined;
  /** Called number, after translation. Needs the permission `NUMBERS`. */
  cld?: NumberMatch | null | undefined;
  /** Called number as the call arrived, before translation: as `Cdr.cldIn` shows it, so also `00336…` or `+336…`. Calls without one are left out. Needs the permission `NUMBERS`. */
  cldIn?: NumberMatch | null | undefined;
  /** Calling number, after translation. Needs the permission `NUMBERS`. */
  cli?: NumberMatch | null | undefined;
  /** Calling number as the call arrived, before translation: as `Cdr.cliIn` shows it. Calls without one are left out. Needs the permission `NUMBERS`. */
  cliIn?: NumberMatch | null | undefined;
  /** Country of the called number, as `Cdr.country` shows it. */
  countries?: Array<string> | null | undefined;
  /** Calls of any of these customers. */
  customerIds?: Array<string> | null | undefined;
  /** Any of these causes, as `Cdr.disconnectCause` shows them. */
  disconnectCauses?: Array<number> | null | undefined;
  /** Connect time at or after this instant. */
  from?: string | null | undefined;
  /** Conversation at most this long. Calls of which that is unknown, or no finite number, are left out. */
  maxDurationSeconds?: string | null | undefined;
  /** Conversation at least this long. Calls of which that is unknown, or no finite number, are left out. */
  minDurationSeconds?: string | null | undefined;
  /** Post-dial delay at least this long: the calls that rang late. Calls of which it is unknown, or no finite number, are left out. Reads every call of the other filters. */
  minPddSeconds?: string | null | undefined;
  /** All calls but those that match this filter. A call of which that is unknown does not match, and stays: `not: { countries: ["FRANCE"] }` keeps calls without a country. All parts together leave a call out; to leave out calls that match one of several: `not: { anyOf: [{ countries: ["FRANCE"] }, { disconnectCauses: [16] }] }`. Reads every call of the other filters. */
  not?: CdrFilter | null | undefined;
  /** Any of these outcomes. */
  outcomes?: Array<CallOutcome> | null | undefined;
  /** Any of these rate prefixes, whole, as `Cdr.prefix` shows them: "33" is not "331". For the numbers that begin with certain digits give `cld.startsWith`. Reads every call of the other filters. */
  prefixes?: Array<string> | null | undefined;
  /** Any of these regions of the called number, as `Cdr.region` shows them. Reads every call of the other filters; on a Sippy source looks the prefix of each up. */
  regions?: Array<string> | null | undefined;
  /** Who hung up, as `Cdr.releaseSource` shows it: `caller` or `callee`, and "" where the switch writes nothing into it. Reads every call of the other filters. */
  releaseSources?: Array<string> | null | undefined;
  /** The address the call came from, exactly. */
  remoteIp?: string | null | undefined;
  /** Connect time before this instant: the range is half-open, so that days add up. */
  to?: string | null | undefined;
  /** A call type of the older API. */
  type?: CdrType | null | undefined;
};

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

/** How much the figures beside it can be trusted. */
export type Confidence =
  /** The end of the WAL was known within the last two seconds. */
  | 'HIGH'
  /** Nobody has told lately how far the primary is; the figures are bounds. */
  | 'LOW'
  /** The standby is connected, but has not heard lately how far its primary is. */
  | 'MEDIUM'
  /** The server does not answer; the figures are what was known last. */
  | 'NONE';

/** Why something could not be told. */
export type FeedGapReason =
  /** Calls may have been corrected or deleted in a time of which the gateway cannot tell that any more. */
  | 'CORRECTIONS'
  /** A call was corrected or deleted, and the WAL does not say whose it was. */
  | 'OWNER'
  /** Calls were removed from the table, as old ones are, before they could be told. */
  | 'REMOVED';

/** What kind of line a number leads to, by the numbering plan of its country. */
export type LineKind =
  /** A fixed line. */
  | 'FIXED'
  /** One of the two: the numbers of the country do not tell, as in North America. */
  | 'FIXED_OR_MOBILE'
  /** A machine: the French numbers of 13 and 14 digits. */
  | 'MACHINE'
  /** A mobile. */
  | 'MOBILE'
  /** None of these: personal numbers, pagers, voicemail, companies. */
  | 'OTHER'
  /** Dearer than an ordinary call. */
  | 'PREMIUM_RATE'
  /** Paid partly by the called side. */
  | 'SHARED_COST'
  /** A French number of two to six digits: emergency, directory, services. */
  | 'SHORT_CODE'
  /** Free for the caller. */
  | 'TOLL_FREE'
  /** Not bound to a place: voice over IP. */
  | 'VOIP';

/** How a number is compared; all given parts must hold. Numbers are text as the switch writes them: no spaces, usually without `+`. There are no wildcards: `%`, `_` and backslash mean themselves. */
export type NumberMatch = {
  /** Digits anywhere. Reads every call of the other filters. */
  contains?: string | null | undefined;
  /** The last digits. Reads every call of the other filters. */
  endsWith?: string | null | undefined;
  /** The whole number. Uses an index where there is one on it. */
  is?: string | null | undefined;
  /** The first digits, such as a country code. Uses an index where there is one on it. */
  startsWith?: string | null | undefined;
};

/** What is known of the primary. */
export type PrimaryState =
  /** Answers, or sent something to a standby just now. */
  | 'AVAILABLE'
  /** The server at PRIMARY_URL is a standby. */
  | 'NOT_PRIMARY'
  /** Not asked directly, and no standby has heard of it lately. */
  | 'SILENT'
  /** Takes writes while another server of the same cluster does too. */
  | 'SPLIT_BRAIN'
  /** Is starting, recovering from a crash, or shutting down. */
  | 'STARTING'
  /** Not asked yet, and no standby has heard of it. */
  | 'UNKNOWN'
  /** Was asked and does not answer. */
  | 'UNREACHABLE';

/** What a server is doing. Only STREAMING means that all is well. */
export type ReplicaState =
  /** Replays files from an archive; streams from nobody. */
  | 'ARCHIVE_RECOVERY'
  /** Streams and is noticeably behind. */
  | 'CATCHING_UP'
  /** Is connecting to its upstream. */
  | 'CONNECTING'
  /** Replays late on purpose (recovery_min_apply_delay). */
  | 'DELAYED'
  /** Streams from nobody and answers with what it has. */
  | 'DISCONNECTED'
  /** Its replay is paused. */
  | 'PAUSED'
  /** Is a primary, not a standby. */
  | 'PRIMARY'
  /** Was a standby and has become a primary. */
  | 'PROMOTED'
  /** Its replay waits for a query to let go of what it needs. */
  | 'REPLAY_BLOCKED'
  /** Takes writes while another server of the same cluster does too. */
  | 'SPLIT_BRAIN'
  /** Is connected, but nothing comes although something should. */
  | 'STALLED'
  /** Is starting, recovering from a crash, or shutting down. */
  | 'STARTING'
  /** Streams and keeps up. */
  | 'STREAMING'
  /** Streams, but our role may not see how far (grant pg_read_all_stats). */
  | 'STREAMING_UNVERIFIED'
  /** Not asked yet, or not lately, because the gateway itself stood still. */
  | 'UNKNOWN'
  /** Does not answer, or answers and accepts no new connection. */
  | 'UNREACHABLE'
  /** Streams from a standby that has troubles of its own. */
  | 'UPSTREAM_DEGRADED'
  /** Belongs to another database cluster than the others. */
  | 'WRONG_CLUSTER';

/** How all standbys are, together. */
export type ReplicationHealth =
  /** Reads are answered, but at least one server is not as it should be. */
  | 'DEGRADED'
  /** No standby can answer reads. */
  | 'DOWN'
  /** Every standby streams and keeps up (or is late on purpose). */
  | 'OK';

/** Which end comes first. Groups where the measure is null come last either way. */
export type SortDirection =
  /** Smallest first. */
  | 'ASC'
  /** Largest first. */
  | 'DESC';

/** What is measured of a group of calls: the fields of CdrStatsRow. */
export type StatsMeasure =
  /** Average call duration: seconds of answered calls / answered. Null without answered calls, or when it is beyond a Float. */
  | 'ACD_SECONDS'
  /** Calls that were successful (Q.850 cause 16, or none recorded) and had a duration above 0 that is a finite number. */
  | 'ANSWERED'
  /** Answer-seizure ratio in per cent: 100 × answered / attempts. Null without attempts. */
  | 'ASR'
  /** All calls of the group, answered or not. */
  | 'ATTEMPTS'
  /** Sum of billed seconds / 60. Rounded to 16 significant digits, or more where the sum has more fraction digits. `billedSeconds` is exact. */
  | 'BILLED_MINUTES'
  /** Sum of billed seconds, exact: `billedMinutes` is this divided by 60, and rounded. */
  | 'BILLED_SECONDS'
  /** Sum of charged amounts, exact: of a Sippy, whose amounts are binary floating point, of their first 15 significant digits. Null where the calls of the group are in several currencies: amounts of different currencies are never added. `amountsByCurrency` has the sum of each; group by CURRENCY to compare or to order by it. Calls whose currency is unknown count as calls of a currency of their own. */
  | 'CHARGED_AMOUNT'
  /** Sum of real durations in seconds, exact: `minutes` is this divided by 60, and rounded. */
  | 'DURATION_SECONDS'
  /** Attempts that were not answered. */
  | 'FAILED'
  /** Median duration of answered calls in seconds: half of them, at least, lasted no longer. It is the duration of one of them, exact; of an even number the lower of the middle two. Null without answered calls. It cannot be worked out from the medians of groups. Sorts the calls. */
  | 'MEDIAN_DURATION_SECONDS'
  /** Sum of real durations / 60. Rounded to 16 significant digits, or more where the sum has more fraction digits. `durationSeconds` is exact. */
  | 'MINUTES'
  /** Network effectiveness ratio in per cent: 100 × (answered + busy + no answer + rejected + cancelled) / attempts with a known outcome. Null when no outcome is known. */
  | 'NER'
  /** 95th percentile of the post-dial delay in seconds: at least 95 of 100 calls that have one waited no longer. It is the delay of one of them, exact. Null when none has one. It cannot be worked out from the percentiles of groups. Sorts the calls. */
  | 'P95_PDD_SECONDS'
  /** Average post-dial delay in seconds, over the calls that have one. Null when none has, or when it is beyond a Float. */
  | 'PDD_SECONDS'
  /** The most attempts of the group whose setup time falls into the same second of the clock. 0 without calls, null when no setup time is known. The peak of several groups cannot be worked out from theirs: they may share a second. Takes a second pass over the calls. */
  | 'PEAK_CALLS_PER_SECOND'
  /** Answered calls of 6 seconds or less: a sign of diallers, or of false answers. */
  | 'SHORT_CALLS'
  /** Calls that sums and averages had to leave something out of: their duration, billed seconds, charged amount or post-dial delay is stored, and is no finite number (NaN, Infinity) or beyond its type. Such a value counts as missing everywhere in statistics, the other values of the call count. */
  | 'UNREADABLE_CALLS';

/** Orders groups by a measure; with `first`, the top N. Ties are broken by the dimensions, time first. */
export type StatsOrder = {
  /** Which end comes first. */
  direction?: SortDirection;
  /** What is compared. */
  measure: StatsMeasure;
};

/** What kind of principal asks. */
export type ViewerRole =
  /** Sees the calls of its own accounts. */
  | 'ACCOUNT'
  /** Sees the calls of every account. */
  | 'ADMIN'
  /** Sees the calls of every account, by whichever operation. */
  | 'ANALYST'
  /** Sees the calls of its own customers, of whichever account. */
  | 'CUSTOMER'
  /** Sees calls and what they were charged, without numbers. */
  | 'FINANCE'
  /** Sees statistics and the state of the standbys, and no call. */
  | 'GRAFANA'
  /** Sees calls with masked numbers, and cannot search by what is masked. */
  | 'SUPPORT';

export type AccountNameFragment = { id: string, username: string | null, customer: { id: string, name: string | null } | null };

export type AccountNamesQueryVariables = Exact<{
  id0?: string;
  id1?: string;
  id2?: string;
  id3?: string;
  id4?: string;
  id5?: string;
  id6?: string;
  id7?: string;
  id8?: string;
  id9?: string;
  id10?: string;
  id11?: string;
  id12?: string;
  id13?: string;
  id14?: string;
  id15?: string;
  id16?: string;
  id17?: string;
  id18?: string;
  id19?: string;
}>;


export type AccountNamesQuery = { account0: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account1: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account2: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account3: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account4: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account5: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account6: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account7: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account8: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account9: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account10: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account11: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account12: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account13: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account14: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account15: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account16: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account17: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account18: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null, account19: { id: string, username: string | null, customer: { id: string, name: string | null } | null } | null };

export type CallContextQueryVariables = Exact<{
  before: CdrFilter;
  after: CdrFilter;
  first: number;
}>;


export type CallContextQuery = { before: { nodes: Array<{ id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null } | null> } | null, after: { nodes: Array<{ id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null } | null> } | null };

export type CallDetailQueryVariables = Exact<{
  id: string;
}>;


export type CallDetailQuery = { cdr: { callId: string | null, cliIn: string | null, cldIn: string | null, setupTime: string | null, releaseSource: string | null, userAgent: string | null, id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null, account: { username: string | null, timeZone: string | null } | null, customer: { name: string | null } | null, carrier: { blockHolder: string | null, blockHolderCode: string | null, territory: string | null, country: string | null, lineKind: LineKind | null } | null } | null };

export type CallExportQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  orderBy: CdrOrder;
  first: number;
  after?: string | null | undefined;
  connectTime: boolean;
  setupTime: boolean;
  disconnectTime: boolean;
  cli: boolean;
  cld: boolean;
  cliIn: boolean;
  cldIn: boolean;
  country: boolean;
  region: boolean;
  prefix: boolean;
  durationSeconds: boolean;
  billedSeconds: boolean;
  chargedAmount: boolean;
  currency: boolean;
  outcome: boolean;
  disconnectCause: boolean;
  disconnectReason: boolean;
  pddSeconds: boolean;
  releaseSource: boolean;
  accountId: boolean;
  customerId: boolean;
  remoteIp: boolean;
  userAgent: boolean;
  callId: boolean;
  accountName?: boolean;
  customerName?: boolean;
  carrier?: boolean;
}>;


export type CallExportQuery = { cdrs: { nodes: Array<{ id: string, connectTime?: string, setupTime?: string | null, disconnectTime?: string | null, cli?: string | null, cld?: string | null, cliIn?: string | null, cldIn?: string | null, country?: string | null, region?: string | null, prefix?: string | null, durationSeconds?: string | null, billedSeconds?: number | null, chargedAmount?: string | null, currency?: string | null, outcome?: CallOutcome | null, disconnectCause?: number | null, disconnectReason?: string | null, pddSeconds?: string | null, releaseSource?: string | null, accountId?: string, customerId?: string | null, remoteIp?: string | null, userAgent?: string | null, callId?: string | null, account?: { username: string | null } | null, customer?: { name: string | null } | null, carrier?: { blockHolder: string | null, blockHolderCode: string | null, lineKind: LineKind | null } | null } | null> } | null };

export type CallPageQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  orderBy: CdrOrder;
  first: number;
  after?: string | null | undefined;
  counted: boolean;
}>;


export type CallPageQuery = { cdrs: { estimatedCount?: number | string | null, nodes: Array<{ id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null } | null>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null };

export type CallRowFragment = { id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null };

export type CallStreamQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  orderBy: CdrOrder;
  first: number;
  after?: string | null | undefined;
}>;


export type CallStreamQuery = { cdrs: { edges: Array<{ cursor: string, node: { id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null } | null } | null> } | null };

export type CallsElsewhereQueryVariables = Exact<{
  filter0?: CdrFilter | null | undefined;
  filter1?: CdrFilter | null | undefined;
  filter2?: CdrFilter | null | undefined;
  filter3?: CdrFilter | null | undefined;
  filter4?: CdrFilter | null | undefined;
  has1: boolean;
  has2: boolean;
  has3: boolean;
  has4: boolean;
}>;


export type CallsElsewhereQuery = { latest0: { nodes: Array<{ id: string, connectTime: string } | null> } | null, latest1?: { nodes: Array<{ id: string, connectTime: string } | null> } | null, latest2?: { nodes: Array<{ id: string, connectTime: string } | null> } | null, latest3?: { nodes: Array<{ id: string, connectTime: string } | null> } | null, latest4?: { nodes: Array<{ id: string, connectTime: string } | null> } | null };

export type LatestCallFragment = { nodes: Array<{ id: string, connectTime: string } | null> };

export type CarrierPartsFragment = { blockHolder: string | null, blockHolderCode: string | null, territory: string | null, country: string | null, lineKind: LineKind | null };

export type CarriersQueryVariables = Exact<{
  numbers: Array<string> | string;
}>;


export type CarriersQuery = { carriers: Array<{ blockHolder: string | null, blockHolderCode: string | null, territory: string | null, country: string | null, lineKind: LineKind | null } | null> };

export type FreshnessQueryVariables = Exact<{ [key: string]: never; }>;


export type FreshnessQuery = { replicationStatus: { status: ReplicationHealth, asOf: string | null, replicas: Array<{ name: string, status: ReplicaState, reason: string | null, confidence: Confidence, isReadFrom: boolean, lagSeconds: number | null, lagBytes: number | string | null, sampledAt: string | null }>, primary: { status: PrimaryState, reason: string | null, silenceSeconds: number | null } | null } };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { role: ViewerRole, accountIds: Array<string> | null, maxPage: number } };

export type FacetRowsFragment = { rows: Array<{ accountId: string | null, customerId: string | null, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null, attempts: number | string }> };

export type FacetQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  by: CdrDimension;
  first: number;
}>;


export type FacetQuery = { cdrStats: { rows: Array<{ accountId: string | null, customerId: string | null, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null, attempts: number | string }> } | null };

export type GroupsQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  groupBy: Array<CdrDimension> | CdrDimension;
  orderBy?: StatsOrder | null | undefined;
  first?: number | null | undefined;
  timeZone: string;
}>;


export type GroupsQuery = { cdrStats: { rows: Array<{ bucket: string | null, accountId: string | null, country: string | null, prefix: string | null, currency: string | null, disconnectCause: number | null, outcome: CallOutcome | null, attempts: number | string, asr: number | null, minutes: string, chargedAmount: string | null }>, totals: { attempts: number | string } } | null };

export type HistogramQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  unit: CdrDimension;
  timeZone: string;
}>;


export type HistogramQuery = { cdrStats: { rows: Array<{ bucket: string | null, attempts: number | string, answered: number | string }> } | null };

export type LiveCallsSubscriptionVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  after?: string | null | undefined;
}>;


export type LiveCallsSubscription = { cdrs: { cursor: string, position: string, asOf: string | null, stalenessSeconds: number | null, deletedIds: Array<string>, inserted: Array<{ id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null } | null>, corrected: Array<{ id: string, accountId: string, customerId: string | null, cli: string | null, cld: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, currency: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null, region: string | null, prefix: string | null, pddSeconds: string | null, remoteIp: string | null } | null>, gap: { reason: FeedGapReason } | null } };

export type QualityMeasuresFragment = { attempts: number | string, asr: number | null, ner: number | null, acdSeconds: number | null, pddSeconds: number | null };

export type QualityQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  previousFilter?: CdrFilter | null | undefined;
  hasPrevious: boolean;
  unit: CdrDimension;
  timeZone: string;
}>;


export type QualityQuery = { cdrStats: { rows: Array<{ bucket: string | null, attempts: number | string, asr: number | null, ner: number | null, acdSeconds: number | null, pddSeconds: number | null }>, totals: { attempts: number | string, asr: number | null, ner: number | null, acdSeconds: number | null, pddSeconds: number | null } } | null, previous?: { rows: Array<{ bucket: string | null, attempts: number | string, asr: number | null, ner: number | null, acdSeconds: number | null, pddSeconds: number | null }>, totals: { attempts: number | string, asr: number | null, ner: number | null, acdSeconds: number | null, pddSeconds: number | null } } | null };

export type QualityMapQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  groupBy: Array<CdrDimension> | CdrDimension;
  first: number;
  timeZone: string;
}>;


export type QualityMapQuery = { cdrStats: { rows: Array<{ bucket: string | null, country: string | null, attempts: number | string, answered: number | string }> } | null };

export type RecentCallFragment = { id: string, accountId: string, cld: string | null, connectTime: string, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null };

export type RecentCallsQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type RecentCallsQuery = { cdrs: { nodes: Array<{ id: string, accountId: string, cld: string | null, connectTime: string, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null } | null>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null };

export type RecentFeedSubscriptionVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  after?: string | null | undefined;
}>;


export type RecentFeedSubscription = { cdrs: { cursor: string, position: string, asOf: string | null, stalenessSeconds: number | null, deletedIds: Array<string>, inserted: Array<{ id: string, accountId: string, cld: string | null, connectTime: string, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null } | null>, corrected: Array<{ id: string, accountId: string, cld: string | null, connectTime: string, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null } | null>, gap: { reason: FeedGapReason } | null } };

export type StatsExportQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  groupBy: Array<CdrDimension> | CdrDimension;
  timeZone: string;
  bucket: boolean;
  account: boolean;
  customer: boolean;
  country: boolean;
  prefix: boolean;
  cause: boolean;
  outcome: boolean;
  currency: boolean;
}>;


export type StatsExportQuery = { cdrStats: { rows: Array<{ bucket?: string | null, accountId?: string | null, customerId?: string | null, country?: string | null, prefix?: string | null, disconnectCause?: number | null, outcome?: CallOutcome | null, currency?: string | null, attempts: number | string, answered: number | string, failed: number | string, asr: number | null, ner: number | null, acdSeconds: number | null, pddSeconds: number | null, minutes: string, billedMinutes: string, chargedAmount: string | null, unreadableCalls: number | string, account?: { username: string | null } | null, customer?: { name: string | null } | null, amountsByCurrency: Array<{ currency: string | null, chargedAmount: string }> }> } | null };

export type TilesQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  hasFacets: boolean;
  outcomeFilter?: CdrFilter | null | undefined;
  outcomeFirst: number;
  isOutcomeFiltered: boolean;
  countryFilter?: CdrFilter | null | undefined;
  countryFirst: number;
  isCountryFiltered: boolean;
  causeFilter?: CdrFilter | null | undefined;
  causeFirst: number;
  isCauseFiltered: boolean;
  hasAccounts: boolean;
  accountFilter?: CdrFilter | null | undefined;
  accountFirst: number;
  isAccountFiltered: boolean;
}>;


export type TilesQuery = { cdrStats: { totals: { attempts: number | string, answered: number | string, failed: number | string, asr: number | null, ner: number | null, acdSeconds: number | null, pddSeconds: number | null, minutes: string, billedMinutes: string, amountsByCurrency: Array<{ currency: string | null, chargedAmount: string, calls: number | string }> } } | null, outcome?: { totals?: { attempts: number | string }, rows: Array<{ accountId: string | null, customerId: string | null, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null, attempts: number | string }> } | null, country?: { totals?: { attempts: number | string }, rows: Array<{ accountId: string | null, customerId: string | null, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null, attempts: number | string }> } | null, cause?: { totals?: { attempts: number | string }, rows: Array<{ accountId: string | null, customerId: string | null, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null, attempts: number | string }> } | null, account?: { totals?: { attempts: number | string }, rows: Array<{ accountId: string | null, customerId: string | null, country: string | null, disconnectCause: number | null, outcome: CallOutcome | null, attempts: number | string }> } | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const AccountNameFragmentDoc = new TypedDocumentString(`
    fragment AccountName on Account {
  id
  username
  customer {
    id
    name
  }
}
    `, {"fragmentName":"AccountName"}) as unknown as TypedDocumentString<AccountNameFragment, unknown>;
export const CallRowFragmentDoc = new TypedDocumentString(`
    fragment CallRow on Cdr {
  id
  accountId
  customerId
  cli
  cld
  connectTime
  disconnectTime
  durationSeconds
  billedSeconds
  chargedAmount
  currency
  disconnectCause
  disconnectReason
  outcome
  country
  region
  prefix
  pddSeconds
  remoteIp
}
    `, {"fragmentName":"CallRow"}) as unknown as TypedDocumentString<CallRowFragment, unknown>;
export const LatestCallFragmentDoc = new TypedDocumentString(`
    fragment LatestCall on CdrConnection {
  nodes {
    id
    connectTime
  }
}
    `, {"fragmentName":"LatestCall"}) as unknown as TypedDocumentString<LatestCallFragment, unknown>;
export const CarrierPartsFragmentDoc = new TypedDocumentString(`
    fragment CarrierParts on Carrier {
  blockHolder
  blockHolderCode
  territory
  country
  lineKind
}
    `, {"fragmentName":"CarrierParts"}) as unknown as TypedDocumentString<CarrierPartsFragment, unknown>;
export const FacetRowsFragmentDoc = new TypedDocumentString(`
    fragment FacetRows on CdrStats {
  rows {
    accountId
    customerId
    country
    disconnectCause
    outcome
    attempts
  }
}
    `, {"fragmentName":"FacetRows"}) as unknown as TypedDocumentString<FacetRowsFragment, unknown>;
export const QualityMeasuresFragmentDoc = new TypedDocumentString(`
    fragment QualityMeasures on CdrStatsRow {
  attempts
  asr
  ner
  acdSeconds
  pddSeconds
}
    `, {"fragmentName":"QualityMeasures"}) as unknown as TypedDocumentString<QualityMeasuresFragment, unknown>;
export const RecentCallFragmentDoc = new TypedDocumentString(`
    fragment RecentCall on Cdr {
  id
  accountId
  cld
  connectTime
  country
  disconnectCause
  outcome
}
    `, {"fragmentName":"RecentCall"}) as unknown as TypedDocumentString<RecentCallFragment, unknown>;
export const AccountNamesDocument = new TypedDocumentString(`
    query AccountNames($id0: ID! = "0", $id1: ID! = "0", $id2: ID! = "0", $id3: ID! = "0", $id4: ID! = "0", $id5: ID! = "0", $id6: ID! = "0", $id7: ID! = "0", $id8: ID! = "0", $id9: ID! = "0", $id10: ID! = "0", $id11: ID! = "0", $id12: ID! = "0", $id13: ID! = "0", $id14: ID! = "0", $id15: ID! = "0", $id16: ID! = "0", $id17: ID! = "0", $id18: ID! = "0", $id19: ID! = "0") {
  account0: account(id: $id0) {
    ...AccountName
  }
  account1: account(id: $id1) {
    ...AccountName
  }
  account2: account(id: $id2) {
    ...AccountName
  }
  account3: account(id: $id3) {
    ...AccountName
  }
  account4: account(id: $id4) {
    ...AccountName
  }
  account5: account(id: $id5) {
    ...AccountName
  }
  account6: account(id: $id6) {
    ...AccountName
  }
  account7: account(id: $id7) {
    ...AccountName
  }
  account8: account(id: $id8) {
    ...AccountName
  }
  account9: account(id: $id9) {
    ...AccountName
  }
  account10: account(id: $id10) {
    ...AccountName
  }
  account11: account(id: $id11) {
    ...AccountName
  }
  account12: account(id: $id12) {
    ...AccountName
  }
  account13: account(id: $id13) {
    ...AccountName
  }
  account14: account(id: $id14) {
    ...AccountName
  }
  account15: account(id: $id15) {
    ...AccountName
  }
  account16: account(id: $id16) {
    ...AccountName
  }
  account17: account(id: $id17) {
    ...AccountName
  }
  account18: account(id: $id18) {
    ...AccountName
  }
  account19: account(id: $id19) {
    ...AccountName
  }
}
    fragment AccountName on Account {
  id
  username
  customer {
    id
    name
  }
}`, {"hash":"sha256:1483ba2dd16368042ffa5ebb5813798d63b9147a3a0f81eb25b21b2b68947f25"}) as unknown as TypedDocumentString<AccountNamesQuery, AccountNamesQueryVariables>;
export const CallContextDocument = new TypedDocumentString(`
    query CallContext($before: CdrFilter!, $after: CdrFilter!, $first: Int!) {
  before: cdrs(filter: $before, orderBy: NEWEST_FIRST, first: $first) {
    nodes {
      ...CallRow
    }
  }
  after: cdrs(filter: $after, orderBy: OLDEST_FIRST, first: $first) {
    nodes {
      ...CallRow
    }
  }
}
    fragment CallRow on Cdr {
  id
  accountId
  customerId
  cli
  cld
  connectTime
  disconnectTime
  durationSeconds
  billedSeconds
  chargedAmount
  currency
  disconnectCause
  disconnectReason
  outcome
  country
  region
  prefix
  pddSeconds
  remoteIp
}`, {"hash":"sha256:0166340faa038646e925b29aa2c08a1b392362859da12d5246f4a4505101a521"}) as unknown as TypedDocumentString<CallContextQuery, CallContextQueryVariables>;
export const CallDetailDocument = new TypedDocumentString(`
    query CallDetail($id: ID!) {
  cdr(id: $id) {
    ...CallRow
    callId
    cliIn
    cldIn
    setupTime
    releaseSource
    userAgent
    account {
      username
      timeZone
    }
    customer {
      name
    }
    carrier {
      ...CarrierParts
    }
  }
}
    fragment CallRow on Cdr {
  id
  accountId
  customerId
  cli
  cld
  connectTime
  disconnectTime
  durationSeconds
  billedSeconds
  chargedAmount
  currency
  disconnectCause
  disconnectReason
  outcome
  country
  region
  prefix
  pddSeconds
  remoteIp
}
fragment CarrierParts on Carrier {
  blockHolder
  blockHolderCode
  territory
  country
  lineKind
}`, {"hash":"sha256:0209a7cc9c652e6ab8ca925142a9ba81b8d8ee70cfc2b39a80aca725916b8bce"}) as unknown as TypedDocumentString<CallDetailQuery, CallDetailQueryVariables>;
export const CallExportDocument = new TypedDocumentString(`
    query CallExport($filter: CdrFilter, $orderBy: CdrOrder!, $first: Int!, $after: String, $connectTime: Boolean!, $setupTime: Boolean!, $disconnectTime: Boolean!, $cli: Boolean!, $cld: Boolean!, $cliIn: Boolean!, $cldIn: Boolean!, $country: Boolean!, $region: Boolean!, $prefix: Boolean!, $durationSeconds: Boolean!, $billedSeconds: Boolean!, $chargedAmount: Boolean!, $currency: Boolean!, $outcome: Boolean!, $disconnectCause: Boolean!, $disconnectReason: Boolean!, $pddSeconds: Boolean!, $releaseSource: Boolean!, $accountId: Boolean!, $customerId: Boolean!, $remoteIp: Boolean!, $userAgent: Boolean!, $callId: Boolean!, $accountName: Boolean! = false, $customerName: Boolean! = false, $carrier: Boolean! = false) {
  cdrs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    nodes {
      id
      connectTime @include(if: $connectTime)
      setupTime @include(if: $setupTime)
      disconnectTime @include(if: $disconnectTime)
      cli @include(if: $cli)
      cld @include(if: $cld)
      cliIn @include(if: $cliIn)
      cldIn @include(if: $cldIn)
      country @include(if: $country)
      region @include(if: $region)
      prefix @include(if: $prefix)
      durationSeconds @include(if: $durationSeconds)
      billedSeconds @include(if: $billedSeconds)
      chargedAmount @include(if: $chargedAmount)
      currency @include(if: $currency)
      outcome @include(if: $outcome)
      disconnectCause @include(if: $disconnectCause)
      disconnectReason @include(if: $disconnectReason)
      pddSeconds @include(if: $pddSeconds)
      releaseSource @include(if: $releaseSource)
      accountId @include(if: $accountId)
      customerId @include(if: $customerId)
      remoteIp @include(if: $remoteIp)
      userAgent @include(if: $userAgent)
      callId @include(if: $callId)
      account @include(if: $accountName) {
        username
      }
      customer @include(if: $customerName) {
        name
      }
      carrier @include(if: $carrier) {
        blockHolder
        blockHolderCode
        lineKind
      }
    }
  }
}
    `, {"hash":"sha256:c748c83bf4e5685dac6b2f7e70af3e5a3ed204f9bff590f1767d4ab000bc049d"}) as unknown as TypedDocumentString<CallExportQuery, CallExportQueryVariables>;
export const CallPageDocument = new TypedDocumentString(`
    query CallPage($filter: CdrFilter, $orderBy: CdrOrder!, $first: Int!, $after: String, $counted: Boolean!) {
  cdrs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    nodes {
      ...CallRow
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    estimatedCount @include(if: $counted)
  }
}
    fragment CallRow on Cdr {
  id
  accountId
  customerId
  cli
  cld
  connectTime
  disconnectTime
  durationSeconds
  billedSeconds
  chargedAmount
  currency
  disconnectCause
  disconnectReason
  outcome
  country
  region
  prefix
  pddSeconds
  remoteIp
}`, {"hash":"sha256:75cd392f5658e06de6aa71249a52dcbc9cb5dddb95e8e630b9617580e8a26d07"}) as unknown as TypedDocumentString<CallPageQuery, CallPageQueryVariables>;
export const CallStreamDocument = new TypedDocumentString(`
    query CallStream($filter: CdrFilter, $orderBy: CdrOrder!, $first: Int!, $after: String) {
  cdrs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    edges {
      cursor
      node {
        ...CallRow
      }
    }
  }
}
    fragment CallRow on Cdr {
  id
  accountId
  customerId
  cli
  cld
  connectTime
  disconnectTime
  durationSeconds
  billedSeconds
  chargedAmount
  currency
  disconnectCause
  disconnectReason
  outcome
  country
  region
  prefix
  pddSeconds
  remoteIp
}`, {"hash":"sha256:ce1de574ba0013a0f1ec1274cfbe0e85b1c6c5d2d1874d3f5edfb1f787a28a12"}) as unknown as TypedDocumentString<CallStreamQuery, CallStreamQueryVariables>;
export const CallsElsewhereDocument = new TypedDocumentString(`
    query CallsElsewhere($filter0: CdrFilter, $filter1: CdrFilter, $filter2: CdrFilter, $filter3: CdrFilter, $filter4: CdrFilter, $has1: Boolean!, $has2: Boolean!, $has3: Boolean!, $has4: Boolean!) {
  latest0: cdrs(filter: $filter0, first: 1) {
    ...LatestCall
  }
  latest1: cdrs(filter: $filter1, first: 1) @include(if: $has1) {
    ...LatestCall
  }
  latest2: cdrs(filter: $filter2, first: 1) @include(if: $has2) {
    ...LatestCall
  }
  latest3: cdrs(filter: $filter3, first: 1) @include(if: $has3) {
    ...LatestCall
  }
  latest4: cdrs(filter: $filter4, first: 1) @include(if: $has4) {
    ...LatestCall
  }
}
    fragment LatestCall on CdrConnection {
  nodes {
    id
    connectTime
  }
}`, {"hash":"sha256:e6a5b335531a3d0ff1a908e9231a50f4333a324b874a58e1dabbf0b3415f28b6"}) as unknown as TypedDocumentString<CallsElsewhereQuery, CallsElsewhereQueryVariables>;
export const CarriersDocument = new TypedDocumentString(`
    query Carriers($numbers: [String!]!) {
  carriers(numbers: $numbers) {
    ...CarrierParts
  }
}
    fragment CarrierParts on Carrier {
  blockHolder
  blockHolderCode
  territory
  country
  lineKind
}`, {"hash":"sha256:3f8a63e25cfb81f49732af3dbb8f8f011afc3393b8a9ba660ae81aed776f7c78"}) as unknown as TypedDocumentString<CarriersQuery, CarriersQueryVariables>;
export const FreshnessDocument = new TypedDocumentString(`
    query Freshness {
  replicationStatus {
    status
    asOf
    replicas {
      name
      status
      reason
      confidence
      isReadFrom
      lagSeconds
      lagBytes
      sampledAt
    }
    primary {
      status
      reason
      silenceSeconds
    }
  }
}
    `, {"hash":"sha256:b54e11feb36d5a23132c49b81a22efa0f4e72e5cd2523f741f9a1db4bf9aea87"}) as unknown as TypedDocumentString<FreshnessQuery, FreshnessQueryVariables>;
export const ViewerDocument = new TypedDocumentString(`
    query Viewer {
  viewer {
    role
    accountIds
    maxPage
  }
}
    `, {"hash":"sha256:9788e65da07e8df7886326b4a953bf1e67adacc005fafa6a1c571ad4bea573bf"}) as unknown as TypedDocumentString<ViewerQuery, ViewerQueryVariables>;
export const FacetDocument = new TypedDocumentString(`
    query Facet($filter: CdrFilter, $by: CdrDimension!, $first: Int!) {
  cdrStats(
    filter: $filter
    groupBy: [$by]
    orderBy: {measure: ATTEMPTS}
    first: $first
  ) {
    ...FacetRows
  }
}
    fragment FacetRows on CdrStats {
  rows {
    accountId
    customerId
    country
    disconnectCause
    outcome
    attempts
  }
}`, {"hash":"sha256:9269526788a210cef741e22fb0bf67169e7056635ac0f75eba41b999a542533b"}) as unknown as TypedDocumentString<FacetQuery, FacetQueryVariables>;
export const GroupsDocument = new TypedDocumentString(`
    query Groups($filter: CdrFilter, $groupBy: [CdrDimension!]!, $orderBy: StatsOrder, $first: Int, $timeZone: String!) {
  cdrStats(
    filter: $filter
    groupBy: $groupBy
    orderBy: $orderBy
    first: $first
    timeZone: $timeZone
  ) {
    rows {
      bucket
      accountId
      country
      prefix
      currency
      disconnectCause
      outcome
      attempts
      asr
      minutes
      chargedAmount
    }
    totals {
      attempts
    }
  }
}
    `, {"hash":"sha256:ad0cfc296e3dcb9ca39256d518664500bf76e0b933ae09bedf2dca58a0c33755"}) as unknown as TypedDocumentString<GroupsQuery, GroupsQueryVariables>;
export const HistogramDocument = new TypedDocumentString(`
    query Histogram($filter: CdrFilter, $unit: CdrDimension!, $timeZone: String!) {
  cdrStats(filter: $filter, groupBy: [$unit], timeZone: $timeZone) {
    rows {
      bucket
      attempts
      answered
    }
  }
}
    `, {"hash":"sha256:e681d88bcbe145fa0a4e97cde872a4e19329fdc54e8954e6289d88b80bcda633"}) as unknown as TypedDocumentString<HistogramQuery, HistogramQueryVariables>;
export const LiveCallsDocument = new TypedDocumentString(`
    subscription LiveCalls($filter: CdrFilter, $after: String) {
  cdrs(filter: $filter, after: $after) {
    cursor
    position
    asOf
    stalenessSeconds
    inserted {
      ...CallRow
    }
    corrected {
      ...CallRow
    }
    deletedIds
    gap {
      reason
    }
  }
}
    fragment CallRow on Cdr {
  id
  accountId
  customerId
  cli
  cld
  connectTime
  disconnectTime
  durationSeconds
  billedSeconds
  chargedAmount
  currency
  disconnectCause
  disconnectReason
  outcome
  country
  region
  prefix
  pddSeconds
  remoteIp
}`, {"hash":"sha256:02942c378aca0fa461f65a0bec7dae5d00407331e3353ad271e344ec3861f7a4"}) as unknown as TypedDocumentString<LiveCallsSubscription, LiveCallsSubscriptionVariables>;
export const QualityDocument = new TypedDocumentString(`
    query Quality($filter: CdrFilter, $previousFilter: CdrFilter, $hasPrevious: Boolean!, $unit: CdrDimension!, $timeZone: String!) {
  cdrStats(filter: $filter, groupBy: [$unit], timeZone: $timeZone) {
    rows {
      bucket
      ...QualityMeasures
    }
    totals {
      ...QualityMeasures
    }
  }
  previous: cdrStats(
    filter: $previousFilter
    groupBy: [$unit]
    timeZone: $timeZone
  ) @include(if: $hasPrevious) {
    rows {
      bucket
      ...QualityMeasures
    }
    totals {
      ...QualityMeasures
    }
  }
}
    fragment QualityMeasures on CdrStatsRow {
  attempts
  asr
  ner
  acdSeconds
  pddSeconds
}`, {"hash":"sha256:e6eb9410a5f716446c74357546d75d4db5756ff16977d102414b7e8c69afd53b"}) as unknown as TypedDocumentString<QualityQuery, QualityQueryVariables>;
export const QualityMapDocument = new TypedDocumentString(`
    query QualityMap($filter: CdrFilter, $groupBy: [CdrDimension!]!, $first: Int!, $timeZone: String!) {
  cdrStats(filter: $filter, groupBy: $groupBy, first: $first, timeZone: $timeZone) {
    rows {
      bucket
      country
      attempts
      answered
    }
  }
}
    `, {"hash":"sha256:ec08f6af8122d99ab86bbebf9b9ea0685143ea6424755126f1a1adcf42b27cc9"}) as unknown as TypedDocumentString<QualityMapQuery, QualityMapQueryVariables>;
export const RecentCallsDocument = new TypedDocumentString(`
    query RecentCalls($filter: CdrFilter, $first: Int!, $after: String) {
  cdrs(filter: $filter, orderBy: NEWEST_FIRST, first: $first, after: $after) {
    nodes {
      ...RecentCall
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment RecentCall on Cdr {
  id
  accountId
  cld
  connectTime
  country
  disconnectCause
  outcome
}`, {"hash":"sha256:e8f0d992ca8778c17e6cf95bbb925353fcf6ac61e032e8b00538984a4b275f66"}) as unknown as TypedDocumentString<RecentCallsQuery, RecentCallsQueryVariables>;
export const RecentFeedDocument = new TypedDocumentString(`
    subscription RecentFeed($filter: CdrFilter, $after: String) {
  cdrs(filter: $filter, after: $after) {
    cursor
    position
    asOf
    stalenessSeconds
    inserted {
      ...RecentCall
    }
    corrected {
      ...RecentCall
    }
    deletedIds
    gap {
      reason
    }
  }
}
    fragment RecentCall on Cdr {
  id
  accountId
  cld
  connectTime
  country
  disconnectCause
  outcome
}`, {"hash":"sha256:57c5b7e6b5e187ab607c70103f73bf7d86d9038ee5fc803e6eed01f1efe53e7b"}) as unknown as TypedDocumentString<RecentFeedSubscription, RecentFeedSubscriptionVariables>;
export const StatsExportDocument = new TypedDocumentString(`
    query StatsExport($filter: CdrFilter, $groupBy: [CdrDimension!]!, $timeZone: String!, $bucket: Boolean!, $account: Boolean!, $customer: Boolean!, $country: Boolean!, $prefix: Boolean!, $cause: Boolean!, $outcome: Boolean!, $currency: Boolean!) {
  cdrStats(filter: $filter, groupBy: $groupBy, timeZone: $timeZone) {
    rows {
      bucket @include(if: $bucket)
      accountId @include(if: $account)
      account @include(if: $account) {
        username
      }
      customerId @include(if: $customer)
      customer @include(if: $customer) {
        name
      }
      country @include(if: $country)
      prefix @include(if: $prefix)
      disconnectCause @include(if: $cause)
      outcome @include(if: $outcome)
      currency @include(if: $currency)
      attempts
      answered
      failed
      asr
      ner
      acdSeconds
      pddSeconds
      minutes
      billedMinutes
      chargedAmount
      amountsByCurrency {
        currency
        chargedAmount
      }
      unreadableCalls
    }
  }
}
    `, {"hash":"sha256:2427b86d30fac7f05bb3ba27bb05c2fe1a362a456be9ce6353dab82b9a35c343"}) as unknown as TypedDocumentString<StatsExportQuery, StatsExportQueryVariables>;
export const TilesDocument = new TypedDocumentString(`
    query Tiles($filter: CdrFilter, $hasFacets: Boolean!, $outcomeFilter: CdrFilter, $outcomeFirst: Int!, $isOutcomeFiltered: Boolean!, $countryFilter: CdrFilter, $countryFirst: Int!, $isCountryFiltered: Boolean!, $causeFilter: CdrFilter, $causeFirst: Int!, $isCauseFiltered: Boolean!, $hasAccounts: Boolean!, $accountFilter: CdrFilter, $accountFirst: Int!, $isAccountFiltered: Boolean!) {
  cdrStats(filter: $filter) {
    totals {
      attempts
      answered
      failed
      asr
      ner
      acdSeconds
      pddSeconds
      minutes
      billedMinutes
      amountsByCurrency {
        currency
        chargedAmount
        calls
      }
    }
  }
  outcome: cdrStats(
    filter: $outcomeFilter
    groupBy: [OUTCOME]
    orderBy: {measure: ATTEMPTS}
    first: $outcomeFirst
  ) @include(if: $hasFacets) {
    ...FacetRows
    totals @include(if: $isOutcomeFiltered) {
      attempts
    }
  }
  country: cdrStats(
    filter: $countryFilter
    groupBy: [COUNTRY]
    orderBy: {measure: ATTEMPTS}
    first: $countryFirst
  ) @include(if: $hasFacets) {
    ...FacetRows
    totals @include(if: $isCountryFiltered) {
      attempts
    }
  }
  cause: cdrStats(
    filter: $causeFilter
    groupBy: [DISCONNECT_CAUSE]
    orderBy: {measure: ATTEMPTS}
    first: $causeFirst
  ) @include(if: $hasFacets) {
    ...FacetRows
    totals @include(if: $isCauseFiltered) {
      attempts
    }
  }
  account: cdrStats(
    filter: $accountFilter
    groupBy: [ACCOUNT]
    orderBy: {measure: ATTEMPTS}
    first: $accountFirst
  ) @include(if: $hasAccounts) {
    ...FacetRows
    totals @include(if: $isAccountFiltered) {
      attempts
    }
  }
}
    fragment FacetRows on CdrStats {
  rows {
    accountId
    customerId
    country
    disconnectCause
    outcome
    attempts
  }
}`, {"hash":"sha256:26c7fa2e2d5ebd4428950ba0cce99f3e4b0600c67ae6af5079e24721d7d8fcf7"}) as unknown as TypedDocumentString<TilesQuery, TilesQueryVariables>;