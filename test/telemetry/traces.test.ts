import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../src/settings/parse.ts';
import { createLogger } from '../../src/telemetry/logging.ts';
import { observeRequests } from '../../src/telemetry/request-log.ts';
import { telemetrySettings } from '../../src/telemetry/settings.ts';
import { createTraces } from '../../src/telemetry/traces.ts';

const parseTraces = (env: Record<string, string>) => parseSettings(telemetrySettings, env).traces;

describe('the settings', () => {
  test('trace nothing by default, nor when only other programs are to be traced', () => {
    expect(parseTraces({})).toBeUndefined();
    expect(parseTraces({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'xray' })).toBeUndefined();
  });

  test('name a collector, by its address or the whole URL', () => {
    expect(parseTraces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' })).toEqual({
      url: 'http://collector:4318/v1/traces',
      headers: {},
      serviceName: 'cdr-gateway',
      sampler: 'parentbased_always_on',
      ratio: 1,
    });
    const url = 'https://collector/own/path';
    expect(
      parseTraces({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other:4318',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%2Cb, x-team=calls',
        OTEL_SERVICE_NAME: 'calls',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
      }),
    ).toEqual({
      url,
      headers: { 'api-key': 'a,b', 'x-team': 'calls' },
      serviceName: 'calls',
      sampler: 'traceidratio',
      ratio: 0.25,
    });
  });

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://me:hidden@collector:4317', 'expected a URL such as'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hidden', 'expected pairs such as'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'key=%hidden', 'expected pairs such as'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote', 'expected one of always_on'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.1', 'expected a number from 0 to 1'],
  ])('refuse %s=%s without repeating a secret', (name, value, message) => {
    const read = () => parseTraces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', [name]: value });
    expect(read).toThrow(`${name}: ${message}`);
    expect(read).not.toThrow('hidden');
  });
});

describe('the log', () => {
  test('says once that a collector fails, however often it does, and once that it is back', async () => {
    let status = 400;
    let posts = 0;
    const server = createServer((request, response) => {
      posts += 1;
      request.resume().once('end', () => response.writeHead(status).end('{}'));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { lines, ask, traces } = createTracedApp((server.address() as AddressInfo).port);
    const postAnother = async () => {
      const before = posts;
      await ask();
      await expect.poll(() => posts, { timeout: 10_000 }).toBe(before + 1);
    };

    await postAnother();
    await expect.poll(() => lines.length).toBe(1);
    await postAnother();
    await postAnother();
    expect(lines).toMatchObject([{ level: 'warn', msg: FAILS }]);
    status = 200;
    await postAnother();
    await expect.poll(() => lines.at(-1)).toMatchObject({ level: 'info', msg: IS_BACK });
    expect(lines).toHaveLength(2);

    await traces.close(1000);
    await new Promise((resolve) => server.close(resolve));
  });

  test('says why nothing can be sent where nobody listens', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { lines, ask, traces } = createTracedApp(port);
    expect((await ask()).status).toBe(200);
    await traces.close(0);
    await expect
      .poll(() => lines, { timeout: 10_000 })
      .toMatchObject([{ level: 'warn', msg: FAILS, err: { code: 'ECONNREFUSED' } }]);
  });
});

const FAILS = 'the collector takes no traces; requests are answered without';
const IS_BACK = 'the collector takes traces again';

/** Requests that are answered and traced, to a collector on this port. */
function createTracedApp(port: number) {
  const lines: Record<string, unknown>[] = [];
  const traces = createTraces({
    url: `http://127.0.0.1:${port}/v1/traces`,
    headers: {},
    serviceName: 'calls',
    sampler: 'always_on',
    ratio: 1,
    version: '1.2.3',
    logger: createLogger({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) }),
  });
  const fetch = observeRequests(() => new Response('{}'), { onStream() {}, onEnd: traces.note });
  const ask = async () => fetch(new Request('http://gateway/graphql', { method: 'POST', body: '{}' }));
  return { lines, traces, ask };
}
