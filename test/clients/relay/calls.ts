import { graphql } from 'relay-runtime';

/** What a frontend selects. It is compiled, never run: the compiler's artefacts are what is executed. */
export const operations = () => [
  graphql`
    query callsListQuery($filter: CdrFilter, $first: Int!) {
      ...calls_list @arguments(filter: $filter, first: $first)
    }
  `,
  graphql`
    fragment calls_list on Query
    @argumentDefinitions(
      filter: { type: "CdrFilter" }
      first: { type: "Int!" }
      after: { type: "String" }
    )
    @refetchable(queryName: "callsListPaginationQuery") {
      cdrs(filter: $filter, first: $first, after: $after) @connection(key: "calls_list_cdrs") {
        edges {
          node {
            id
            cld
            account {
              ...calls_account
            }
            customer {
              id
              name
            }
          }
        }
      }
    }
  `,
  graphql`
    fragment calls_account on Account @refetchable(queryName: "callsAccountRefetchQuery") {
      id
      username
      currency
    }
  `,
  graphql`
    fragment calls_any on Node {
      __typename
      ... on Account {
        username
      }
      ... on Customer {
        name
      }
    }
  `,
  graphql`
    query callsNodesQuery($nodeIds: [ID!]!) {
      nodes(nodeIds: $nodeIds) {
        ...calls_any
      }
    }
  `,
  graphql`
    query callsStreamedQuery($first: Int!) {
      cdrs(first: $first) {
        nodes @stream(initialCount: 3) {
          id
          cld
        }
      }
    }
  `,
  graphql`
    query callsStreamedListQuery($first: Int!) {
      ...calls_streamed @arguments(first: $first)
    }
  `,
  graphql`
    fragment calls_streamed on Query
    @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" })
    @refetchable(queryName: "callsStreamedPaginationQuery") {
      cdrs(first: $first, after: $after) @stream_connection(key: "calls_streamed_cdrs", initial_count: 3) {
        edges {
          node {
            id
            cld
          }
        }
      }
    }
  `,
  graphql`
    query callsDeferredQuery($id: ID!) {
      cdr(id: $id) {
        id
        ...calls_details @defer(label: "details")
      }
    }
  `,
  graphql`
    fragment calls_details on Cdr {
      cld
      account {
        username
      }
    }
  `,
];
