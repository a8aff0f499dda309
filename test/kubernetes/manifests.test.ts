import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { settingsIn } from '../../src/settings/setting.ts';
import { allSettings } from '../../src/settings.ts';
import { type Manifest, problemsByType, problemsOfCluster, readManifests } from './manifests.ts';

const ofKubernetes = readManifests('gateway', 'monitoring');
const [cluster] = readManifests('cluster');

function one(kind: string): Manifest {
  return ofKubernetes.find((manifest) => manifest.kind === kind)!;
}

describe('the manifests', () => {
  test('fit the types of Kubernetes and of the operator of Prometheus', async () => {
    expect(new Set(ofKubernetes.map(({ kind }) => kind))).toEqual(
      new Set([
        'ServiceAccount',
        'Role',
        'RoleBinding',
        'Deployment',
        'Service',
        'PodDisruptionBudget',
        'HorizontalPodAutoscaler',
        'NetworkPolicy',
        'PodMonitor',
      ]),
    );
    expect(await problemsByType(ofKubernetes)).toBe('');
  });

  test('of a cluster fit the schema of CloudNativePG', () => {
    expect(cluster).toMatchObject({ kind: 'Cluster', apiVersion: 'postgresql.cnpg.io/v1' });
    expect(problemsOfCluster(cluster!)).toEqual([]);
  });

  test('are read strictly: what is misspelt, of another type, or missing is found', async () => {
    const deployment = structuredClone(one('Deployment'));
    deployment.spec.template.spec.containers[0].livenesProbe = {};
    const autoscaler = structuredClone(one('HorizontalPodAutoscaler'));
    delete autoscaler.spec.scaleTargetRef;
    const monitor = structuredClone(one('PodMonitor'));
    monitor.spec.podMetricsEndpoints[0].port = 9187;
    const found = await problemsByType([deployment, autoscaler, monitor]);
    expect(found).toMatch(/livenesProbe/);
    expect(found).toMatch(/scaleTargetRef/);
    expect(found).toMatch(/number.*string/);
    const misspelt = structuredClone(cluster!);
    misspelt.spec.postgresql.parametres = {};
    misspelt.spec.instances = 'three';
    delete misspelt.spec.storage;
    expect(problemsOfCluster(misspelt)).toEqual([
      '/spec/instances must be integer',
      '/spec/postgresql must NOT have additional properties parametres',
    ]);
  });
});

describe('the gateway of the manifests', () => {
  const { spec: pod } = one('Deployment').spec.template;
  const [container] = pod.containers;
  const handbook = readFileSync('docs/kubernetes.md', 'utf8');

  test('is given settings that there are, and secrets as files of the secret that the handbook makes', () => {
    const known = new Set(settingsIn(allSettings).map(({ name }) => name));
    const [secrets] = container.volumeMounts;
    for (const { name, value } of container.env) {
      expect(known).toContain(name === 'REPLICA_URLS_FILE' ? name : name.replace(/_FILE$/, ''));
      if (!name.endsWith('_FILE')) continue;
      expect(value.startsWith(`${secrets.mountPath}/`), name).toBe(true);
      expect(handbook).toContain(`--from-literal=${value.slice(secrets.mountPath.length + 1)}=`);
    }
    const names = container.env.map(({ name }: { name: string }) => name);
    expect(names.filter((name: string) => /(TOKEN|KEY|URLS?)$/.test(name))).toEqual([]);
  });

  test('ends running answers before it is killed, and is never all gone at once', () => {
    const drain = container.env.find(({ name }: { name: string }) => name === 'DRAIN_TIMEOUT').value;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(drain));
    const { minReplicas, maxReplicas } = one('HorizontalPodAutoscaler').spec;
    expect(one('PodDisruptionBudget').spec.minAvailable).toBeLessThan(minReplicas);
    const pool = container.env.find(({ name }: { name: string }) => name === 'DB_MAX_CONNECTIONS').value;
    expect(maxReplicas * (Number(pool) + 2)).toBeLessThan(100);
  });

  test('is meant by every selector, and asked for what it serves', () => {
    const { labels } = one('Deployment').spec.template.metadata;
    for (const kind of ['PodDisruptionBudget', 'PodMonitor', 'Deployment']) {
      expect(one(kind).spec.selector.matchLabels, kind).toEqual(labels);
    }
    expect(one('Service').spec.selector).toEqual(labels);
    expect(one('NetworkPolicy').spec.podSelector.matchLabels).toEqual(labels);
    expect(container.livenessProbe.httpGet.path).toBe('/livez');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(handbook).toContain(`kubernetes://gateway:$password@${cluster!.metadata.name}-ro:5432/sippy`);
    expect(pod.volumes[1].secret.secretName).toBe(`${cluster!.metadata.name}-ca`);
  });
});
