import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endProcess } from '../support/processes.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const PROGRAM = '/usr/sbin/rsyslogd';
const isInstalled = existsSync(PROGRAM) && globSync('/usr/lib/*/rsyslog/lmnsd_gtls.so').length > 0;
const note = isInstalled ? '' : ' (skipped: apt-get install rsyslog rsyslog-gnutls)';

const LINES = [
  '2026-01-05 09:00:00.000 UTC [7] gateway@sippy cdr-gateway LOG:  duration: 1200 ms  execute cdr_a: select /* cdrPage */ "i_xdr"',
  '\tfrom public.xdrs',
  '2026-01-05 09:00:01.000 UTC [7] LOG:  checkpoint starting: time',
  '',
];

describe.skipIf(!isInstalled)(`rsyslog${note}`, () => {
  test('sends what gateways and databases log to another host over TLS, and keeps it while that is away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cdr-rsyslog-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    makeCertificate(folder);
    const received: string[] = [];
    const server = createServer(
      { key: readFileSync(join(folder, 'logs.key')), cert: readFileSync(join(folder, 'logs.crt')) },
      (socket) => socket.setEncoding('utf8').on('data', (text: string) => received.push(text)),
    );
    const listen = (port: number) =>
      new Promise<number>((done) => {
        server.listen(port, '127.0.0.1', () => done((server.address() as AddressInfo).port));
      });
    const port = await listen(0);
    await new Promise((done) => server.close(done));

    const configuration = writeConfiguration(folder, port);
    const check = spawnSync(PROGRAM, ['-N1', '-f', configuration], { encoding: 'utf8' });
    expect(check.status, check.stderr).toBe(0);
    const daemon = spawn(PROGRAM, ['-n', '-f', configuration, '-i', join(folder, 'pid')], {
      stdio: 'ignore',
    });
    onTestFinished(() => endProcess(daemon));
    await expect.poll(() => existsSync(join(folder, 'log.socket')), PATIENCE).toBe(true);

    const say = (tag: string, text: string) =>
      execFileSync('logger', ['--socket', join(folder, 'log.socket'), '--tag', tag, text]);
    say('cdr-gateway@3001', '{"msg":"request","requestId":"7f"}');
    say('cron', 'of somebody else');
    appendFileSync(join(folder, 'postgresql/postgresql-15-main.log'), LINES.join('\n'));

    await listen(port);
    onTestFinished(() => void server.close());
    const all = () => received.join('');
    await expect.poll(all, PATIENCE).toMatch(/ cdr-gateway@3001 .*\{"msg":"request","requestId":"7f"\}/);
    await expect
      .poll(all, PATIENCE)
      .toMatch(/ postgresql .*cdrPage \*\/ "i_xdr"(?:\\n|#012)(?:\t|#011)from public\.xdrs/);
    expect(all()).not.toContain('of somebody else');
  });
});

function makeCertificate(folder: string): void {
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ');
  const subject = ['-subj', '/CN=logs.example.com', '-addext', 'subjectAltName=DNS:logs.example.com'];
  const files = ['-keyout', join(folder, 'logs.key'), '-out', join(folder, 'logs.crt')];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...files, '-days', '2'], { stdio: 'ignore' });
}

/** The file as it stands, with this address and these directories, below what a host brings. */
function writeConfiguration(folder: string, port: number): string {
  mkdirSync(join(folder, 'postgresql'));
  writeFileSync(join(folder, 'postgresql/postgresql-15-main.log'), '');
  const own = readFileSync('docker/rsyslog/cdr-gateway.conf', 'utf8')
    .replace('target="logs.example.com" port="6514"', `target="127.0.0.1" port="${port}"`)
    .replace('/etc/cdr-gateway/logs-ca.crt', join(folder, 'logs.crt'))
    .replace('/var/log/postgresql/', `${join(folder, 'postgresql')}/`)
    .replace('action.resumeInterval="10"', 'action.resumeInterval="1"');
  const host = `global(workDirectory="${folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${join(folder, 'log.socket')}")
`;
  const file = join(folder, 'rsyslog.conf');
  writeFileSync(file, host + own);
  return file;
}
