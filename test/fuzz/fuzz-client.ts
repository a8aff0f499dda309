import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayHost } from './gateway-host.ts';
import { type HttpResponse, post } from './http-request.ts';
import { marks } from './random-table.ts';
import { assertSame, assertSameText } from './same.ts';

/** An administrator, or a tenant with the accounts it may see. */
export interface Principal {
  readonly name: string;
  readonly token: string;
  readonly accounts: readonly number[];
  readonly isAdmin: boolean;
}

/** Both ways that lead to an answer. Where nothing but parts is accepted, the executor answers. */
export type Path = 'streamed' | 'executed';

export interface Answer {
  /** Its data, byte for byte. */
  readonly dataText: string;
  // biome-ignore lint/suspicious/noExplicitAny: whoever asks knows the shape of the answer
  readonly data: any;
  readonly errors: readonly AnswerError[];
  /** How far the standby had replayed. */
  readonly token: string | undefined;
}

export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly retryable: boolean };
}

/** Longer than any request here takes, on a machine that is busy with others too. */
const MAX_ANSWER_MS = 30_000;
/** How often a request is made again that was refused with the advice to do so. */
const MAX_ATTEMPTS = 40;
const RETRY_MS = 50;
/** What differs so often from the same position is different. */
const MAX_DIFFERENCES = 4;
/** A stream names so many unreadable values one by one. */
const MAX_NAMED = 100;
/** Of a standby that can answer again a moment later. */
const MOMENTARY = /"(REPLICA_CONFLICT|REPLICA_LOST|NO_REPLICA_AVAILABLE|OVERLOADED)"/;
/** What a client may be told while tables change. */
const EXPLAINED = /^(UNREADABLE_VALUE|NO_REPLICA_AVAILABLE|REPLICA_\w+|QUERY_TIMEOUT|OVERLOADED)$/;

/** Makes requests, and looks for what no answer may have, whatever was asked. */
export class FuzzClient {
  requests = 0;
  readonly #host: GatewayHost;
  readonly #url: string;

  constructor(host: GatewayHost, url: string) {
    this.#host = host;
    this.#url = url;
  }

  /** The whole response. It is requested again where a standby cannot answer for a moment. */
  async post(
    query: string,
    principal: Principal,
    headers: Readonly<Record<string, string>>,
    variables = {},
  ): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#postOnce(query, principal, headers, variables);
      if (response.status !== 503 || attempt === MAX_ATTEMPTS || !MOMENTARY.test(response.text))
        return response;
      await delay(RETRY_MS);
    }
  }

  async #postOnce(
    query: string,
    { token, accounts, name }: Principal,
    headers: Readonly<Record<string, string>>,
    variables = {},
  ): Promise<HttpResponse> {
    this.requests++;
    const request = post({
      url: this.#url,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        // What is not compressed takes another way to the socket.
        'accept-encoding': this.requests % 3 === 0 ? 'gzip' : 'identity',
        ...headers,
      },
      body: JSON.stringify({ query, variables }),
      maxMillis: MAX_ANSWER_MS,
    });
    const response = await Promise.race([request, this.#host.ended]).catch((cause: unknown) => {
      throw new Error(`${name} has no answer to ${query}`, { cause });
    });
    const { text } = response;
    for (const [account, mark] of marks) {
      if (!accounts.includes(account) && text.includes(mark)) {
        throw new Error(
          `${name} was shown ${mark}, of account ${account}, for ${query}: ${around(text, mark)}`,
        );
      }
    }
    for (const never of ['POISON', '"code":"INTERNAL', 'code=INTERNAL']) {
      if (text.includes(never)) throw new Error(`${never} for ${query} of ${name}: ${around(text, never)}`);
    }
    return response;
  }

  /** The whole text of an answer. */
  async text(query: string, principal: Principal, accept: string, variables = {}): Promise<string> {
    const { text } = await this.#postOnce(query, principal, { accept }, variables);
    return text;
  }

  /** The code by which a request is refused, of its first error; null when it is answered. */
  async refusal(query: string, principal: Principal, variables = {}): Promise<string | null> {
    const { text } = await this.post(
      query,
      principal,
      { accept: 'application/graphql-response+json' },
      variables,
    );
    return codeOf(text);
  }

  /** An answer that may have failed with any reason a client may be told. */
  async answer(query: string, principal: Principal, path: Path, variables = {}): Promise<Answer> {
    const accept = path === 'streamed' ? 'application/graphql-response+json' : 'multipart/mixed';
    const text = await this.text(query, principal, accept, variables);
    const json = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
    const { data, errors = [], extensions } = parse(json);
    for (const {
      extensions: { code },
      message,
    } of errors) {
      if (!EXPLAINED.test(code)) throw new Error(`${code}: ${message} for ${query}`);
    }
    return { dataText: dataOf(json), data, errors, token: extensions?.replica?.token };
  }

  /** An answer in quiet times: nothing but values may be unreadable. */
  async quietAnswer(query: string, principal: Principal, path: Path, variables = {}): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.answer(query, principal, path, variables);
      const refused = answer.errors.find(({ extensions }) => extensions.code !== 'UNREADABLE_VALUE');
      if (!refused) {
        const voided = Object.keys(answer.data ?? { data: null }).find((root) => !answer.data?.[root]);
        if (voided === undefined) return answer;
        throw new Error(`One value voids all of ${voided}: ${JSON.stringify(answer.errors[0])} for ${query}`);
      }
      if (attempt === MAX_ATTEMPTS || !refused.extensions.retryable) {
        throw new Error(
          `${refused.extensions.code}: ${refused.message} for ${query}, though nothing changes.`,
        );
      }
      await delay(RETRY_MS);
    }
  }

  /** The same bytes on both paths, from one replay position. */
  async sameOnBoth(query: string, principal: Principal, variables = {}): Promise<Answer> {
    for (let attempt = 1, differences = 0; ; attempt++) {
      const streamed = await this.quietAnswer(query, principal, 'streamed', variables);
      const executed = await this.quietAnswer(query, principal, 'executed', variables);
      if (streamed.token === executed.token) {
        try {
          assertSameAnswer(streamed, executed, query);
          return streamed;
        } catch (error) {
          // Both had replayed as far at their ends, and one of them perhaps not yet when its cursors were made.
          if (++differences === MAX_DIFFERENCES) throw error;
        }
      }
      // Something else was written meanwhile: PostgreSQL itself does, now and then.
      if (attempt === MAX_ATTEMPTS) return streamed;
    }
  }
}

function assertSameAnswer(streamed: Answer, executed: Answer, query: string): void {
  const about = `Streamed and not executed: ${query}`;
  assertSameText(streamed.dataText, executed.dataText, about);
  if (executed.errors.length > MAX_NAMED && streamed.errors.length === MAX_NAMED) return;
  assertSame(sorted(streamed.errors), sorted(executed.errors), about);
}

/** Of the first error of an answer that says more than that a value is unreadable; null when there is none. */
export function codeOf(json: string): string | null {
  const { errors = [] } = parse(json);
  const refused = errors.find(({ extensions }: AnswerError) => extensions.code !== 'UNREADABLE_VALUE');
  return refused?.extensions.code ?? null;
}

/** The executor tells errors first, a stream last. Neither key can be in a value, where quotes are escaped. */
function dataOf(json: string): string {
  const end = json.lastIndexOf(',"extensions":{"replica"');
  const text = end < 0 ? json.slice(1, -1) : json.slice(1, end);
  if (!text.startsWith('"data":')) return text.slice(text.indexOf('],"data":') + 2);
  const errorsAt = text.lastIndexOf(',"errors":[');
  return errorsAt < 0 ? text : text.slice(0, errorsAt);
}

/** GraphQL does not say which error comes first. */
function sorted(errors: readonly AnswerError[]): readonly string[] {
  return errors.map((error) => JSON.stringify(error)).sort();
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function parse(json: string): any {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new Error(`No JSON: ${json.slice(0, 2000)}`, { cause });
  }
}

function around(text: string, part: string): string {
  const at = text.indexOf(part);
  return text.slice(Math.max(0, at - 200), at + 200);
}
