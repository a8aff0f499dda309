/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
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
  from?: string | number | null | undefined;
  /** Conversation at most this long. Calls of which that is unknown, or no finite number, are left out. */
  maxDurationSeconds?: string | number | null | undefined;
  /** Conversation at least this long. Calls of which that is unknown, or no finite number, are left out. */
  minDurationSeconds?: string | number | null | undefined;
  /** Post-dial delay at least this long: the calls that rang late. Calls of which it is unknown, or no finite number, are left out. Reads every call of the other filters. */
  minPddSeconds?: string | number | null | undefined;
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
  to?: string | number | null | undefined;
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

export type TopDestinationsQueryVariables = Exact<{
  from?: string | number | null | undefined;
  to?: string | number | null | undefined;
}>;


export type TopDestinationsQuery = { cdrStats: { rows: Array<{ country: string | null, prefix: string | null, attempts: number | string, asr: number | null, ner: number | null, minutes: string, currency: string | null, chargedAmount: string | null }> } | null };

export type AsrByHourQueryVariables = Exact<{
  account: string;
  from?: string | number | null | undefined;
  to?: string | number | null | undefined;
}>;


export type AsrByHourQuery = { cdrStats: { rows: Array<{ bucket: string | null, attempts: number | string, asr: number | null, pddSeconds: number | null, shortCalls: number | string }> } | null };

export type ReplicationQueryVariables = Exact<{ [key: string]: never; }>;


export type ReplicationQuery = { replicationStatus: { status: ReplicationHealth, asOf: string | null, replicas: Array<{ name: string, status: ReplicaState, reason: string | null, confidence: Confidence, lagBytes: number | string | null, lagIsLowerBound: boolean, lagSeconds: number | null, receivedLsn: string | null, replayedLsn: string | null, upstreamLsn: string | null, timeline: number | null, sampledAt: string | null }> } };

export type CallPageQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
  orderBy: CdrOrder;
}>;


export type CallPageQuery = { cdrs: { estimatedCount: number | string | null, nodes: Array<{ id: string, callId: string | null, accountId: string, cli: string | null, cld: string | null, setupTime: string | null, connectTime: string, disconnectTime: string | null, durationSeconds: string | null, billedSeconds: number | null, chargedAmount: string | null, disconnectCause: number | null, disconnectReason: string | null, outcome: CallOutcome | null, country: string | null } | null>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } | null };

export type CallTilesQueryVariables = Exact<{
  filter?: CdrFilter | null | undefined;
}>;


export type CallTilesQuery = { cdrStats: { totals: { attempts: number | string, answered: number | string, asr: number | null, acdSeconds: number | null, minutes: string, chargedAmount: string | null } } | null };

export type CallDetailQueryVariables = Exact<{
  id: string;
}>;


export type CallDetailQuery = { cdr: { id: string, connectTime: string, account: { username: string | null, customer: { name: string | null } | null } | null } | null };
