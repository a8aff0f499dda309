import { cacheExchange, type Resolver } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { keys, possibleTypes } from '../generated/client-keys.ts';

/** What a list has brought need not be fetched again; what there is not stays null. */
const kept =
  (field: string, type: string): Resolver =>
  (_, args, cache) =>
    cache.resolve('Query', field, args) === null ? null : { __typename: type, id: String(args.id) };

export const createCache = () =>
  cacheExchange({
    keys,
    possibleTypes,
    resolvers: {
      Query: {
        // A list of its own for each filter and order, which pages add to.
        cdrs: relayPagination(),
        cdr: kept('cdr', 'Cdr'),
        account: kept('account', 'Account'),
      },
    },
  });
