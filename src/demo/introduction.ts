import { setTimeout as delay } from 'node:timers/promises';
import { DemoError } from './demo-error.ts';
import type { DemoOptions } from './demo-options.ts';
import type { DemoReport } from './demo-report.ts';
import { explorerUsers } from './explorer.ts';

const FIRST_QUERY =
  '{ cdrs(first: 1) { nodes { connectTime cli cld country durationSeconds chargedAmount currency } } }';
const FIRST_ANSWER_TIMEOUT_MS = 15_000;

/** Repeats a query until the gateway has found a standby to answer from. Resolves with the text of the answer. */
export async function runFirstQuery(graphqlUrl: string, token: string, signal: AbortSignal): Promise<string> {
  const deadline = Date.now() + FIRST_ANSWER_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: FIRST_QUERY }),
      signal,
    });
    const answer = await response.text();
    if (response.ok && !('errors' in JSON.parse(answer))) return answer;
    if (Date.now() > deadline) throw new DemoError(`The gateway does not answer as it should: ${answer}`);
    await delay(50, undefined, { signal });
  }
}

/** What a person sees when everything runs. */
export function introduce(report: DemoReport, firstAnswer: string, { replicas, rate }: DemoOptions): string {
  const { graphqlUrl, primaryUrl, replicaUrls, tokens, accountId, webUrl } = report;
  const lines = [
    '',
    ...(webUrl === undefined ? [] : describeExplorer(webUrl)),
    `  GraphQL and GraphiQL   ${graphqlUrl}`,
    `  Token of an admin      ${tokens.admin}`,
    `  Token of account ${accountId.padEnd(5)} ${tokens.account}`,
    `  Primary                ${primaryUrl}`,
    ...replicaUrls.map((url, index) => `  Hot standby ${String(index + 1).padEnd(10)} ${url}`),
    '',
    'Ask for the newest call:',
    '',
    `  curl -s ${graphqlUrl} -H 'authorization: Bearer ${tokens.admin}' \\`,
    `    -H 'content-type: application/json' -d '${JSON.stringify({ query: FIRST_QUERY })}'`,
    '',
    firstAnswer.trim(),
    '',
    `${rate > 0 ? `The switch writes ${rate} calls a second` : 'The switch is idle'}; ${replicas} standby${replicas === 1 ? ' follows' : 's follow'}. Ctrl-C stops everything.`,
    '',
  ];
  return lines.join('\n');
}

function describeExplorer(webUrl: string): string[] {
  const ways = explorerUsers.map((name) => `${name} / ${name}`).join(', or ');
  return [`  Call explorer          ${webUrl}`, `  Sign in as             ${ways}`];
}
