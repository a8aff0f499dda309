/**
 * The first tabs of GraphiQL. This file runs in the browser, when the page is opened: only there is "the last hour"
 * the last hour. Values are defaults of variables, inside the text, because GraphiQL drops the variables of a first
 * tab; each query therefore runs as it is, and anywhere else it is pasted.
 */
export interface ExampleFacts {
  readonly now: Date;
  /** IANA name; hours of a day are those of the reader. */
  readonly timeZone: string;
}

const HOUR = 3_600_000;

export function createExamples({ now, timeZone }: ExampleFacts): string[] {
  const hourAgo = instant(now.getTime() - HOUR);
  const dayAgo = instant(Math.floor(now.getTime() / HOUR) * HOUR - 24 * HOUR);

  return [
    `# How old is what I see? lagSeconds is an upper bound;
# null means unknown, never 0.
query Freshness {
  replicationStatus {
    status
    asOf
    replicas {
      name
      status
      reason
      lagSeconds
      lagBytes
      confidence
      sampledAt
    }
  }
}
`,
    `# All calls of the last hour in one row.
# asr and ner are per cent.
query LastHour($from: DateTime = "${hourAgo}") {
  cdrStats(filter: { from: $from }) {
    totals {
      attempts
      answered
      asr
      ner
      acdSeconds
      pddSeconds
      minutes
      amountsByCurrency {
        currency
        chargedAmount
      }
      shortCalls
    }
  }
}
`,
    `# Calls to numbers that begin with these digits, newest
# first. For the next page give endCursor as $after, and
# leave the rest as it is.
query CallsByNumber(
  $number: String = "33"
  $from: DateTime = "${dayAgo}"
  $first: Int = 20
  $after: String
) {
  cdrs(
    filter: { cld: { startsWith: $number }, from: $from }
    first: $first
    after: $after
  ) {
    nodes {
      id
      connectTime
      accountId
      cli
      cld
      country
      durationSeconds
      chargedAmount
      currency
      outcome
      disconnectReason
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    estimatedCount
  }
}
`,
    `# Where the money went in the last 24 hours, a row for
# each currency: amounts of different ones are not added.
query TopDestinations($from: DateTime = "${dayAgo}", $top: Int = 10) {
  cdrStats(
    filter: { from: $from }
    groupBy: [COUNTRY, PREFIX, CURRENCY]
    orderBy: { measure: CHARGED_AMOUNT, direction: DESC }
    first: $top
  ) {
    rows {
      country
      prefix
      currency
      chargedAmount
      attempts
      minutes
      asr
      acdSeconds
    }
  }
}
`,
    `# The answer-seizure ratio, hour by hour in your time zone:
# of all that you may see, or of the accounts that you name.
query AsrByHour(
  $accounts: [ID!]
  $from: DateTime = "${dayAgo}"
  $timeZone: String! = "${timeZone}"
) {
  cdrStats(
    filter: { accountIds: $accounts, from: $from }
    groupBy: [HOUR]
    timeZone: $timeZone
  ) {
    rows {
      bucket
      attempts
      answered
      asr
      acdSeconds
      shortCalls
    }
  }
}
`,
  ];
}

function instant(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, 19)}Z`;
}
