import { gateway } from './dashboards/gateway.ts';
import { postgresql } from './dashboards/postgresql.ts';
import { quality } from './dashboards/quality.ts';
import { replication, replicationJson } from './dashboards/replication.ts';
import { traffic } from './dashboards/traffic.ts';

const folder = 'docker/grafana/dashboards/generated';
const written = (build: () => object) => () => `${JSON.stringify(build(), null, 2)}\n`;

/** Grafana's dashboards, by the file that provisions each: classic JSON, which every Grafana since 11 reads from files. */
export const dashboardFiles: Readonly<Record<string, () => string>> = {
  [`${folder}/replication.json`]: written(replication),
  [`${folder}/replication-json.json`]: written(replicationJson),
  [`${folder}/gateway.json`]: written(gateway),
  [`${folder}/postgresql.json`]: written(postgresql),
  [`${folder}/traffic.json`]: written(traffic),
  [`${folder}/quality.json`]: written(quality),
};
