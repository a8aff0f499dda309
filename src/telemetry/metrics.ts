import type { GraphQLSchema } from 'graphql';
import { Registry } from 'prom-client';
import type { AuditReports } from '../access/audit/audit-log.ts';
import type { Budget } from '../access/budget/budget.ts';
import type { GuardedSignIn } from '../access/budget/guarded-sign-in.ts';
import type { Route } from '../http/routes.ts';
import type { NumberingReports } from '../numbering/numbering.ts';
import type { KeptAnswers } from '../replicas/kept-file.ts';
import type { ReplicationStatus } from '../replicas/status.ts';
import { createAuditMetrics } from './metrics-audit.ts';
import { createBudgetMetrics } from './metrics-budget.ts';
import { createCatalogueMetrics } from './metrics-catalogue.ts';
import { createFeedMetrics, type FeedFigures } from './metrics-feed.ts';
import { createKeptMetrics } from './metrics-kept.ts';
import { createNumberingMetrics } from './metrics-numbering.ts';
import { createPoolMetrics, type PoolMetrics } from './metrics-pools.ts';
import { type Build, createProcessMetrics } from './metrics-process.ts';
import { createReplicaMetrics } from './metrics-replicas.ts';
import { createRequestMetrics, type RequestMetrics } from './metrics-requests.ts';
import { createMetricsRoute } from './metrics-route.ts';
import { createStreamMetrics, type StreamMetrics } from './metrics-streams.ts';
import { queryFieldsOf } from './operation-names.ts';

export interface MetricsDeps {
  readonly replicas: { snapshot(): ReplicationStatus };
  /** Without it nothing is said of files of numbers. */
  readonly numbering?: { reports(): NumberingReports } | undefined;
  /** Without it the tables count as well. */
  readonly catalogue?: { problems(): readonly string[] } | undefined;
  /** Without it nothing is said of what principals spend. */
  readonly budget?: Pick<Budget, 'report'> | undefined;
  /** Without it nothing is said of failed sign-ins. */
  readonly signIn?: Pick<GuardedSignIn, 'report'> | undefined;
  /** Without it there is no audit. */
  readonly audit?: { readonly reports: AuditReports } | undefined;
  /** Without it no statistics are kept. */
  readonly kept?: { readonly answers: KeptAnswers } | undefined;
  /** Its query fields are the only names of operations that become a label. */
  readonly schema: GraphQLSchema;
  readonly build: Build;
  /** When set, a scrape must carry it as a bearer token. */
  readonly token?: string | undefined;
}

/**
 * What Prometheus reads. No label takes its value from a client, and none holds a number, an account or a query, so
 * the text tells nothing but how much the gateway has to do.
 */
export interface Metrics {
  /** `GET /metrics`, in the text format. Answers when every database is down. */
  readonly route: Route;
  /** Of every request, when it has been answered to the last byte. */
  noteRequest: RequestMetrics['note'];
  /** When an answer begins that is sent as it is read. */
  noteStream: StreamMetrics['note'];
  /** Told once where the figures of the feed are to be had. */
  watchFeed(figures: () => FeedFigures): void;
  /** Whenever a standby's pool is made. */
  watchPool: PoolMetrics['watch'];
}

/** A registry of its own: two gateways in one process count apart. */
export function createMetrics(deps: MetricsDeps): Metrics {
  const { replicas, numbering, catalogue, budget, audit, kept, signIn, schema, build, token } = deps;
  const registry = new Registry();
  const ofReplicas = createReplicaMetrics(registry);
  const pools = createPoolMetrics(registry);
  const requests = createRequestMetrics(registry, queryFieldsOf(schema));
  const streams = createStreamMetrics(registry);
  const ofNumbering = createNumberingMetrics(registry);
  const ofCatalogue = createCatalogueMetrics(registry);
  const ofBudget = createBudgetMetrics(registry);
  const feed = createFeedMetrics(registry);
  let feedFigures: (() => FeedFigures) | undefined;
  const ofAudit = createAuditMetrics(registry);
  const ofKept = createKeptMetrics(registry);
  createProcessMetrics(registry, build);

  function refresh(): void {
    ofReplicas.show(replicas.snapshot());
    pools.show();
    streams.show();
    feed.show(feedFigures?.());
    ofNumbering.show(numbering?.reports() ?? {});
    ofCatalogue.show(catalogue?.problems() ?? []);
    if (budget) ofBudget.show(budget.report(), signIn?.report());
    if (audit) ofAudit.show(audit.reports);
    if (kept) ofKept.show(kept.answers);
  }

  return {
    noteStream: streams.note,
    watchPool: pools.watch,
    watchFeed(figures) {
      feedFigures = figures;
    },
    noteRequest(ended) {
      requests.note(ended);
      streams.noteEnd(ended.facts);
    },
    route: createMetricsRoute(registry, { refresh, token }),
  };
}
