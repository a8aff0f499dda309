import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { createErrorMask, type ReportDefect, useErrorCodes } from '../../src/graphql/errors.ts';
import { executeWhole } from '../../src/graphql/incremental.ts';

/** As the app does: Yoga would bring an executor of its own. */
const executesByGraphqlJs: Plugin = {
  onExecute: ({ setExecuteFn }) => setExecuteFn((args) => executeWhole(args as ExecutionArgs)),
};

/** Yoga as the app makes it, without databases: only the plugins that a test is about, and error codes. */
export function createBareYoga(
  schema: GraphQLSchema,
  {
    plugins = [],
    lastPlugins = [],
    report = () => {},
    context = {},
  }: { plugins?: Plugin[]; lastPlugins?: Plugin[]; report?: ReportDefect; context?: object } = {},
) {
  return createYoga({
    schema,
    context,
    plugins: [...plugins, executesByGraphqlJs, useErrorCodes(), ...lastPlugins],
    maskedErrors: { maskError: createErrorMask(report) },
    logging: false,
    graphiql: false,
    landingPage: false,
    cors: false,
  });
}

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
}

/** Posts a query, and reads the answer as JSON. */
export async function post(
  app: { fetch(url: string, init: RequestInit): Response | Promise<Response> },
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await app.fetch('http://gateway/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
