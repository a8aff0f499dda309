import { QueryClient } from '@tanstack/react-query';
import { GatewayError } from 'cdr-gateway-client';

/** An answer stays as it is until something else is asked: calls do not change under the reader's eyes. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retryOnMount: false,
        networkMode: 'always',
        // Once at most: what is wrong is to be seen soon, and there is a button.
        retry: (count, error) => count < 1 && error instanceof GatewayError && error.retryable,
        retryDelay: 400,
      },
    },
  });
}
