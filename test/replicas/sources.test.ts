import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/replicas/clock.ts';
import { type DiscoveryOptions, SourceWatch } from '../../src/replicas/sources/source-watch.ts';
import { eventually } from './eventually.ts';

const closers: (() => unknown)[] = [];
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sources-'));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => rm(directory, { recursive: true }));

const discovery: DiscoveryOptions = {
  intervalSeconds: 0.1,
  dnsServers: [],
  kubernetes: { host: undefined, port: 443, accountDir: '/none' },
};

/** What a watch of these URLs has told, last first, and what is logged. */
function watching(
  urls: readonly string[],
  options: Partial<ConstructorParameters<typeof SourceWatch>[0]> = {},
) {
  const told: string[][] = [];
  const problems: (string | null)[] = [];
  const note = ({ problem }: { problem?: string | null }) => problems.push(problem ?? null);
  const watch = new SourceWatch({
    urls,
    wanted: 'standby',
    discovery,
    clock: systemClock(),
    onServers: (servers) => told.unshift(servers.map(({ url }) => url)),
    logger: { info: note, warn: note },
    ...options,
  });
  closers.push(() => watch.close());
  return { watch, told, problems };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const answering = (handler: RequestListener) => listen(createServer(handler));

describe('a list in the settings', () => {
  test('is known at once, several hosts of one URL being servers of their own', () => {
    const { told } = watching(['postgresql://u:p@a:1,b:2/db', 'postgresql://u@c/db#three']);
    expect(told).toEqual([
      ['postgresql://u:p@a:1/db', 'postgresql://u:p@b:2/db', 'postgresql://u@c/db#three'],
    ]);
  });

  test('that cannot be read is refused without being shown', () => {
    for (const url of [
      'nonsense',
      'http://u:secret@h/db',
      'postgresql://u:secret@h:99999/db',
      'patroni+http://:0:0/x',
    ]) {
      expect(() => watching([url]), url).toThrow(/^(?!.*secret)/);
    }
  });
});

describe('a file', () => {
  const fileOf = async (text: string) => {
    const path = join(await mkdtemp(join(directory, 'list-')), 'standbys');
    await writeFile(path, text);
    return path;
  };
  const [one, two, three] = ['a', 'b', 'c'].map((host) => `postgresql://u:secret@${host}/db`) as [
    string,
    string,
    string,
  ];

  test('is read again when it changes, and when it is replaced', async () => {
    const file = await fileOf(`# standbys\n${one}\n${two},${three}\n`);
    const { watch, told } = watching([], { file, discovery: { ...discovery, intervalSeconds: 60 } });
    await watch.start();
    expect(told[0]).toEqual([one, two, three]);
    await writeFile(file, `${two}\n`);
    await eventually(() => told[0]).toEqual([two]);
    await writeFile(`${file}.new`, `${three}\n${two}\n`);
    await rename(`${file}.new`, file);
    await eventually(() => told[0]).toEqual([three, two]);
  });

  test('is read again by the clock where nothing can be watched, and when it is asked for', async () => {
    const file = await fileOf(`${one}\n`);
    const { watch, told } = watching([], { file });
    await watch.start();
    await rm(file);
    await watch.refresh();
    expect(watch.reports()[0]!.problem).toMatch(/cannot be read \(ENOENT\).*list of before is kept/);
    await writeFile(file, `${two}\n`);
    await watch.refresh();
    expect([told[0], watch.reports()[0]!.problem]).toEqual([[two], null]);
  });

  test.each([
    ['empty', '', /names no standby/],
    ['nothing but comments', '# none\n\n', /names no standby/],
    ['half written', `${two}\npostgresql://u:secr`, /half written/],
    ['half written in the middle of a name', 'postgresql://u:secret@b.exa', /half written/],
    ['nothing that can be read', 'one\ntwo\n', /No URL of the list can be read \(1, 2\)/],
  ])('that is %s leaves the list of before in use, and is said once', async (_, text, problem) => {
    const file = await fileOf(`${one}\n${two}\n`);
    const { watch, told, problems } = watching([], { file });
    await watch.start();
    await writeFile(file, text);
    await watch.refresh();
    await watch.refresh();
    expect(told).toEqual([[one, two]]);
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(problems[0]).toContain('The list of before is kept.');
    expect(problems[0]).not.toContain('secret');
    await writeFile(file, `${three}\n`);
    await watch.refresh();
    expect([told[0], problems.at(-1)]).toEqual([[three], null]);
  });

  test('with one line that cannot be read is used without it, and the line is named', async () => {
    const file = await fileOf(`${one}\npostgresql://u:secret@b:x/db\n${three}\n`);
    const { watch, told } = watching([], { file });
    await watch.start();
    expect(told[0]).toEqual([one, three]);
    expect(watch.reports()[0]!.problem).toBe(
      'URL 2 of the list cannot be read: correct it. The others are used.',
    );
  });
});

/** A name server that knows these names; addresses for A, `priority weight port target` for SRV. */
async function nameServer(records: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => socket.send(answerTo(query, records), port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closers.push(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

function answerTo(query: Buffer, records: Readonly<Record<string, readonly string[]>>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (; query[at] !== 0; at += query[at]! + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
  const type = query.readUInt16BE(at + 1);
  const found = (type === 1 || type === 33 ? records[labels.join('.')] : undefined) ?? [];
  const answers = found.map((record) => {
    const data = type === 1 ? Buffer.from(record.split('.').map(Number)) : serviceRecord(record);
    const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 1, data.length >> 8, data.length & 255]);
    return Buffer.concat([head, data]);
  });
  const header = Buffer.from(query.subarray(0, at + 5));
  header.writeUInt16BE(0x8180 | (records[labels.join('.')] ? 0 : 3), 2);
  header.writeUInt16BE(found.length, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([header, ...answers]);
}

function serviceRecord(record: string): Buffer {
  const [priority, weight, port, target] = record.split(' ') as [string, string, string, string];
  const numbers = Buffer.alloc(6);
  for (const [index, value] of [priority, weight, port].entries())
    numbers.writeUInt16BE(Number(value), index * 2);
  const name = target.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.concat([numbers, Buffer.from([...name, 0])]);
}

describe('DNS', () => {
  test('names every address of a name', async () => {
    const records = { 'standbys.example': ['10.0.0.9', '10.0.0.2'] };
    const dnsServers = [await nameServer(records)];
    const { watch, told } = watching(
      ['postgresql+dns://u:p@standbys.example:5433/db?sslmode=require#;zone=z'],
      {
        discovery: { ...discovery, dnsServers },
      },
    );
    await watch.start();
    expect(told[0]).toEqual([
      'postgresql://u:p@10.0.0.2:5433/db?sslmode=require#;zone=z',
      'postgresql://u:p@10.0.0.9:5433/db?sslmode=require#;zone=z',
    ]);
    records['standbys.example'] = ['10.0.0.2'];
    await eventually(() => told[0]).toHaveLength(1);
  });

  test("names the addresses of the system's own names", async () => {
    const { watch, told } = watching(['postgresql+dns://u:p@localhost/db']);
    await watch.start();
    expect(told[0]).toContain('postgresql://u:p@127.0.0.1:5432/db');
  });

  test('names servers with port and weight where it has SRV records', async () => {
    const dnsServers = [
      await nameServer({
        '_postgresql._tcp.sippy.example': [
          '10 50 5432 a.example',
          '10 25 6432 b.example',
          '20 9 5432 far.example',
        ],
        '_equal._tcp.example': ['0 0 5432 a.example', '0 0 5432 b.example'],
      }),
    ];
    const of = async (name: string) => {
      const { watch, told } = watching([`postgresql+srv://u:p@${name}/db`], {
        discovery: { ...discovery, dnsServers },
      });
      await watch.start();
      return told[0];
    };
    expect(await of('_postgresql._tcp.sippy.example')).toEqual([
      'postgresql://u:p@a.example:5432/db',
      'postgresql://u:p@b.example:6432/db#;weight=0.5',
    ]);
    expect(await of('_equal._tcp.example')).toEqual([
      'postgresql://u:p@a.example:5432/db',
      'postgresql://u:p@b.example:5432/db',
    ]);
  });

  test('that names nothing at first is asked again until it does', async () => {
    const records: Record<string, string[]> = {};
    const { watch, told, problems } = watching(['postgresql+dns://u:p@standbys.example/db'], {
      discovery: { ...discovery, dnsServers: [await nameServer(records)] },
    });
    await watch.start();
    expect(told).toEqual([[]]);
    expect(problems).toEqual([expect.stringMatching(/resolves to nothing.*in the DNS\.$/)]);
    records['standbys.example'] = ['10.0.0.2'];
    await eventually(() => told[0]).toEqual(['postgresql://u:p@10.0.0.2:5432/db']);
    expect(problems.at(-1)).toBeNull();
  });

  test('that names nothing any more leaves the servers of before, and says what to do', async () => {
    const records: Record<string, string[]> = { 'standbys.example': ['10.0.0.2'] };
    const { watch, told, problems } = watching(
      ['postgresql+dns://u:p@standbys.example/db', 'postgresql://u:p@other/db'],
      { discovery: { ...discovery, dnsServers: [await nameServer(records)] } },
    );
    await watch.start();
    const before = told[0]!;
    delete records['standbys.example'];
    await watch.refresh();
    expect(problems).toEqual([
      '"standbys.example" resolves to nothing: correct the name, or its record in the DNS. The servers of before are kept.',
    ]);
    expect(told[0]).toBe(before);
    expect(watch.reports()).toMatchObject([
      { kind: 'list', servers: 1, problem: null },
      { kind: 'dns', place: 'standbys.example', servers: 1, problem: problems[0] },
    ]);
  });
});

describe('Patroni', () => {
  const members = [
    { name: 'n1', role: 'leader', state: 'running', host: '10.0.0.1', port: 5432, timeline: 2 },
    {
      name: 'n2',
      role: 'sync_standby',
      state: 'running',
      host: '10.0.0.2',
      port: 5432,
      tags: { zone: 'b', weight: 0.5 },
    },
    { name: 'n3', role: 'replica', state: 'streaming', host: '10.0.0.3', port: 6432 },
    {
      name: 'n4',
      role: 'replica',
      state: 'streaming',
      host: '10.0.0.4',
      port: 5432,
      tags: { noloadbalance: true },
    },
    { name: 'n5', role: 'replica', state: 'creating replica' },
  ];

  test('names every member that is no leader, and the leader as the primary', async () => {
    let cluster: object = { members };
    const port = await answering((request, response) =>
      response.writeHead(request.url === '/cluster' ? 200 : 404).end(JSON.stringify(cluster)),
    );
    const url = `patroni+http://u:p@127.0.0.1:1,127.0.0.1:${port}/db`;
    const standbys = watching([url]);
    const primary = watching([url], { wanted: 'primary' });
    await Promise.all([standbys.watch.start(), primary.watch.start()]);
    expect(standbys.told[0]).toEqual([
      'postgresql://u:p@10.0.0.2:5432/db#n2;zone=b;weight=0.5',
      'postgresql://u:p@10.0.0.3:6432/db#n3',
    ]);
    expect(primary.told[0]).toEqual(['postgresql://u:p@10.0.0.1:5432/db#n1']);

    cluster = {
      members: [
        { ...members[0], role: 'replica' },
        { ...members[2], role: 'leader' },
      ],
    };
    await eventually(() => standbys.told[0]).toEqual(['postgresql://u:p@10.0.0.1:5432/db#n1']);
    await eventually(() => primary.told[0]).toEqual(['postgresql://u:p@10.0.0.3:6432/db#n3']);
  });

  test.each([
    [
      'refuses',
      (_: unknown, response: { writeHead(status: number): { end(): void } }) => response.writeHead(503).end(),
      /HTTP 503/,
    ],
    [
      'answers something else',
      (_: unknown, response: { end(text: string): void }) => response.end('<html>'),
      /SyntaxError/,
    ],
    [
      'has a leader alone',
      (_: unknown, response: { end(text: string): void }) =>
        response.end(JSON.stringify({ members: [members[0]] })),
      /names no standby/,
    ],
  ])('that %s leaves the servers of before', async (_, handler, problem) => {
    let isWell = true;
    const port = await answering((request, response) => {
      if (isWell) response.end(JSON.stringify({ members }));
      else (handler as RequestListener)(request, response);
    });
    const { watch, told, problems } = watching([`patroni+http://u:secret@127.0.0.1:${port}/db`]);
    await watch.start();
    const before = told.length;
    isWell = false;
    await watch.refresh();
    expect(told).toHaveLength(before);
    expect(problems.at(-1)).toMatch(problem);
    expect(problems.at(-1)).not.toContain('secret');
  });
});

describe('Kubernetes', () => {
  let account: string;
  let files: { cert: Buffer; key: Buffer };

  beforeAll(async () => {
    account = await mkdtemp(join(directory, 'account-'));
    const [certFile, keyFile] = [join(account, 'ca.crt'), join(account, 'key')];
    const subject = ['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '2', ...subject], {
      stdio: 'ignore',
    });
    await writeFile(join(account, 'token'), 'sesame\n');
    await writeFile(join(account, 'namespace'), 'telecom');
    files = { cert: await readFile(certFile), key: await readFile(keyFile) };
  });

  const pod = (name: string, address: string, rest: object = {}) => ({
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', name, namespace: 'telecom' },
    ...rest,
  });
  let slices: readonly object[] = [];
  let asked: (string | undefined)[] = [];

  async function api(): Promise<DiscoveryOptions> {
    asked = [];
    const port = await listen(
      createSecureServer(files, (request, response) => {
        asked.push(request.url);
        const isKnown = request.headers.authorization === 'Bearer sesame';
        response
          .writeHead(isKnown ? 200 : 403)
          .end(JSON.stringify({ kind: 'EndpointSliceList', items: slices }));
      }) as unknown as Server,
    );
    return { ...discovery, kubernetes: { host: '127.0.0.1', port, accountDir: account } };
  }

  test('names the pods behind a service by their EndpointSlices, with their zones, and drops those that end', async () => {
    slices = [
      {
        ports: [
          { name: 'metrics', port: 9187 },
          { name: 'postgres', port: 5432 },
        ],
        endpoints: [
          pod('sippy-3', '10.0.0.3', { zone: 'b' }),
          pod('sippy-2', '10.0.0.2', { conditions: { ready: false } }),
        ],
      },
      {
        ports: [{ port: 6432 }],
        endpoints: [
          pod('sippy-4', '10.0.0.4', { conditions: { terminating: true } }),
          pod('sippy-3', '10.0.0.3', { zone: 'b' }),
        ],
      },
      { ports: null, endpoints: null },
    ];
    const { watch, told } = watching(['kubernetes://u:p@sippy-r/db'], { discovery: await api() });
    await watch.start();
    expect(told[0]).toEqual([
      'postgresql://u:p@10.0.0.2:5432/db#sippy-2',
      expect.stringMatching(/10\.0\.0\.3:\d+\/db#sippy-3;zone=b$/),
    ]);
    expect(asked[0]).toBe(
      '/apis/discovery.k8s.io/v1/namespaces/telecom/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dsippy-r',
    );
    slices = [{ ports: [{ port: 5432 }], endpoints: [pod('sippy-5', '10.0.0.5')] }];
    await eventually(() => told[0]).toEqual(['postgresql://u:p@10.0.0.5:5432/db#sippy-5']);
    slices = [];
    await watch.refresh();
    expect(told[0]).toHaveLength(1);
    expect(watch.reports()[0]!.problem).toMatch(/service "sippy-r" of namespace "telecom" has no pods/);
  });

  test('that refuses the account is told what to grant', async () => {
    const options = await api();
    const stranger = await mkdtemp(join(directory, 'stranger-'));
    await writeFile(join(stranger, 'ca.crt'), files.cert);
    await writeFile(join(stranger, 'token'), 'other');
    const kubernetes = { ...options.kubernetes, accountDir: stranger };
    const { watch, told } = watching(['kubernetes://u:p@sippy-r.telecom:5432/db'], {
      discovery: { ...options, kubernetes },
    });
    await watch.start();
    expect(told[0]).toEqual([]);
    expect(watch.reports()[0]!.problem).toMatch(/HTTP 403.*"list" on "endpointslices"/);
  });

  test('where there is none is said', async () => {
    const { watch } = watching(['kubernetes://u:p@sippy-r/db']);
    await watch.start();
    expect(watch.reports()).toMatchObject([
      { kind: 'kubernetes', problem: expect.stringContaining('no Kubernetes here') },
    ]);
  });
});
