import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayHost } from './gateway-host.ts';
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
/** A stream names so many unreadable values one by one. */
const MAX_NAMED = 100;
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

  /** The whole text of an answer. */
  async text(
    query: string,
    { token, accounts, name }: Principal,
    accept: string,
    variables = {},
  ): Promise<string> {
    this.requests++;
    const request = fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        accept,
        // What is not compressed takes another way to the socket.
        'accept-encoding': this.requests % 3 === 0 ? 'gzip' : 'identity',
      },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(MAX_ANSWER_MS),
    }).then(async (response) => response.text());
    const text = await Promise.race([request, this.#host.ended]).catch((cause: unknown) => {
      throw new Error(`${name} has no answer to ${query}`, { cause });
    });
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
    return text;
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
    for (let attempt = 1; ; attempt++) {
      const streamed = await this.quietAnswer(query, principal, 'streamed', variables);
      const executed = await this.quietAnswer(query, principal, 'executed', variables);
      if (streamed.token === executed.token) {
        assertSameText(streamed.dataText, executed.dataText, `Streamed and not executed: ${query}`);
        if (executed.errors.length <= MAX_NAMED || streamed.errors.length !== MAX_NAMED) {
          assertSame(sorted(streamed.errors), sorted(executed.errors), `Streamed and not executed: ${query}`);
        }
        return streamed;
      }
      // Something else was written meanwhile: PostgreSQL itself does, now and then.
      if (attempt === MAX_ATTEMPTS) return streamed;
    }
  }
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
