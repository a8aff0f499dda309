import { fields } from './calls.ts';
import type { WireRequest } from './client/jobs.ts';
import type { PeerName } from './peers.ts';
import { type Endpoint, get, postGraphql } from './wire.ts';

const names = Object.keys(fields).join(' ');

/** PostGraphile's own names, answered under ours. */
const postgraphileFields = Object.entries(fields)
  .map(
    ([name, column]) =>
      `${name}: ${column.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
  )
  .join(' ');

/** A list of the newest calls, of all accounts or of one. */
export interface ListRequest {
  readonly first: number;
  readonly accountId?: string | undefined;
}

/** Our own: any page, in any format. */
export interface GatewayList {
  readonly first: number;
  readonly filter?: object;
  readonly after?: string;
  readonly accept?: string;
  readonly acceptEncoding?: string;
  /** Of the connection. */
  readonly selection?: string;
}

/** The document of a page of the gateway. */
export function gatewayQuery(selection = `nodes { ${names} }`): string {
  return `query Calls($first: Int, $after: String, $filter: CdrFilter) { cdrs(first: $first, after: $after, filter: $filter) { ${selection} } }`;
}

export function gatewayList(endpoint: Endpoint, list: GatewayList): WireRequest {
  const { first, filter, after, accept, acceptEncoding, selection } = list;
  return postGraphql(endpoint, {
    query: gatewayQuery(selection),
    variables: { first, after, filter },
    ...(accept !== undefined && { accept }),
    ...(acceptEncoding !== undefined && { acceptEncoding }),
  });
}

/** The same list of each peer. */
export const peerList: Readonly<Record<PeerName, (endpoint: Endpoint, list: ListRequest) => WireRequest>> = {
  postgraphile: (endpoint, { first, accountId }) =>
    postGraphql(endpoint, {
      query: `query Calls($first: Int, $condition: XdrCondition) {
        cdrs: allXdrs(first: $first, condition: $condition, orderBy: [CONNECT_TIME_DESC, I_XDR_DESC]) {
          nodes { ${postgraphileFields} }
        }
      }`,
      variables: { first, ...(accountId !== undefined && { condition: { iAccount: accountId } }) },
    }),
  naive: (endpoint, { first, accountId }) =>
    postGraphql(endpoint, {
      query: `query Calls($first: Int!, $accountId: ID) { cdrs(first: $first, accountId: $accountId) { ${names} } }`,
      variables: { first, accountId },
    }),
  bare: (endpoint, { first, accountId }) => get(endpoint, `/calls?account=${accountId}&first=${first}`),
};
