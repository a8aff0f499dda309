// Written by "npm run schema" from src/schema.

/** For graphcache: types without an id are parts of what they are selected on. All others it keys by their `id`. */
export const keys = {
  Carrier: () => null,
  CdrConnection: () => null,
  CdrDeparture: () => null,
  CdrEdge: () => null,
  CdrFeed: () => null,
  CdrStats: () => null,
  CdrStatsRow: () => null,
  CurrencyAmount: () => null,
  FeedGap: () => null,
  FeedStatus: () => null,
  PageInfo: () => null,
  PrimaryStatus: () => null,
  RateLimit: () => null,
  ReplicaStatus: () => null,
  ReplicationStatus: () => null,
  Staleness: () => null,
  StandbySource: () => null,
  Viewer: () => null,
};

/** For Apollo Client and graphcache: which types a fragment on an interface applies to. */
export const possibleTypes = {
  Node: ['Account', 'Cdr', 'Customer'],
};
