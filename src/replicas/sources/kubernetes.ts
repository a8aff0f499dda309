import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import type { ServerUrl } from '../connection-url.ts';
import { codeOfError, SourceError, type StandbySource } from './source.ts';

/** How the gateway's pod reaches the API of its cluster. */
export interface KubernetesAccess {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which every pod is given. */
  readonly host: string | undefined;
  readonly port: number;
  /** Of the service account: `token`, `ca.crt` and `namespace` are read anew each time, since they are rotated. */
  readonly accountDir: string;
}

const TIMEOUT_MILLIS = 3000;
const MAX_ANSWER_BYTES = 16_777_216;

interface EndpointSlice {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null;
  readonly endpoints?: readonly Endpoint[] | null;
}

interface Endpoint {
  readonly addresses?: readonly string[];
  readonly conditions?: { readonly terminating?: boolean | null };
  readonly zone?: string;
  readonly targetRef?: { readonly kind?: string; readonly name?: string };
}

/**
 * The pods behind a service: `kubernetes://gateway:secret@sippy-r.telecom:5432/sippy`, the namespace being the gateway's
 * own when it is left out. Its account needs the verb `list` on `endpointslices` of `discovery.k8s.io`.
 *
 * Pods that Kubernetes does not call ready are named too: whether a standby can answer, and how late it is, the watcher
 * knows better than a probe. One that is being ended is left out, and drains.
 */
export function createKubernetesSource(url: ServerUrl, access: KubernetesAccess): StandbySource {
  const [{ host, port }] = url.hosts as [ServerUrl['hosts'][number]];
  const [service = '', given] = host.split('.');
  return {
    kind: 'kubernetes',
    place: host,
    async read(signal) {
      if (!access.host) {
        throw new SourceError('There is no Kubernetes here: KUBERNETES_SERVICE_HOST is not set.');
      }
      const namespace = given ?? (await readAccount(access, 'namespace'));
      const slices = await listSlices(access, { namespace, service }, signal);
      const found = new Map<string, string>();
      for (const slice of slices) {
        const wanted = port ?? portOf(slice);
        for (const endpoint of slice.endpoints ?? []) {
          const [address] = endpoint.addresses ?? [];
          if (!address || wanted === undefined || endpoint.conditions?.terminating) continue;
          const { zone, targetRef } = endpoint;
          const name = targetRef?.kind === 'Pod' ? targetRef.name : undefined;
          found.set(address, url.at({ host: address, port: wanted, name, ...(zone && { zone }) }));
        }
      }
      if (found.size === 0) {
        throw new SourceError(
          `The service "${service}" of namespace "${namespace}" has no pods now: check its name and its selector.`,
        );
      }
      return [...found.keys()].toSorted().map((address) => found.get(address)!);
    },
  };
}

/** Of several ports, the one that is called after PostgreSQL. */
function portOf({ ports }: EndpointSlice): number | undefined {
  const named = ports?.find(({ name }) => /^(postgres|postgresql|pg)$/.test(name ?? ''));
  return (named ?? ports?.[0])?.port;
}

async function listSlices(
  access: KubernetesAccess,
  { namespace, service }: { readonly namespace: string; readonly service: string },
  signal: AbortSignal,
): Promise<readonly EndpointSlice[]> {
  const label = encodeURIComponent(`kubernetes.io/service-name=${service}`);
  const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices?labelSelector=${label}`;
  const { status, body } = await get(access, path, signal);
  if (status === 401 || status === 403) {
    throw new SourceError(
      `Kubernetes refuses the gateway's account (HTTP ${status}): give it the verb "list" on "endpointslices" of ` +
        `"discovery.k8s.io" in namespace "${namespace}".`,
    );
  }
  if (status !== 200) throw new SourceError(`Kubernetes answers HTTP ${status} to a list of EndpointSlices.`);
  const { items } = JSON.parse(body) as { items?: unknown };
  if (!Array.isArray(items))
    throw new SourceError('Kubernetes answers something that is no list of EndpointSlices.');
  return items as readonly EndpointSlice[];
}

async function get(
  access: KubernetesAccess,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const [token, ca] = await Promise.all([readAccount(access, 'token'), readAccount(access, 'ca.crt')]);
  try {
    return await new Promise((resolve, reject) => {
      const call = request(
        {
          host: access.host,
          port: access.port,
          path,
          ca,
          agent: false,
          headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MILLIS)]),
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (text: string) => {
            body += text;
            if (body.length > MAX_ANSWER_BYTES) call.destroy(new Error('The answer is too long.'));
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end();
    });
  } catch (error) {
    throw new SourceError(`The API of Kubernetes does not answer (${codeOfError(error)}).`);
  }
}

async function readAccount({ accountDir }: KubernetesAccess, name: string): Promise<string> {
  try {
    return (await readFile(join(accountDir, name), 'utf8')).trim();
  } catch {
    throw new SourceError(
      `The file "${name}" of the gateway's Kubernetes account is missing: set automountServiceAccountToken.`,
    );
  }
}
