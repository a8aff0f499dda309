import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Exchange } from './connection.ts';
import type { WireRequest } from './jobs.ts';
import { toFetch } from './with-fetch.ts';

const FORMAT = '%{http_code} %{size_download} %{time_starttransfer} %{time_total}';

/** Through `curl --compressed`; the times are its own, without the start of the process. */
export async function readWithCurl(request: WireRequest): Promise<Exchange> {
  const { path, options } = toFetch(request);
  const headers = (options.headers as [string, string][]).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ]);
  const url = `http://127.0.0.1:${request.port}${path}`;
  const { stdout } = await promisify(execFile)('curl', [
    ...['-sS', '--compressed', '-o', '/dev/null', '-w', FORMAT],
    ...headers,
    ...['--data-binary', String(options.body), url],
  ]);
  const [status, bytes, firstByte, total] = stdout.split(' ').map(Number) as [number, number, number, number];
  return { status, bytes, firstByte: firstByte * 1000, total: total * 1000 };
}
