import { InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { possibleTypes } from '../generated/client-keys.ts';

export function createCache(): InMemoryCache {
  return new InMemoryCache({
    possibleTypes,
    typePolicies: {
      Query: {
        fields: {
          // A list of its own for each filter and order, which pages add to.
          cdrs: relayStylePagination(['filter', 'orderBy']),
          // What a list has brought need not be fetched again; what there is not stays null.
          cdr: (known, { args, toReference }) =>
            known === undefined ? toReference({ __typename: 'Cdr', id: args?.id }) : known,
          account: (known, { args, toReference }) =>
            known === undefined ? toReference({ __typename: 'Account', id: args?.id }) : known,
        },
      },
    },
  });
}
