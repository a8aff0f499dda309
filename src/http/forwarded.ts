/** What proxies add to the requests that they hand on. */
export const forwardingHeaders = ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'] as const;

/**
 * Whether a proxy hands the request on for somebody else. Who asks the gateway itself, such as Prometheus and probes, is
 * inside; who comes through the site may be anybody.
 */
export function isForwarded({ headers }: Request): boolean {
  return forwardingHeaders.some((name) => headers.has(name));
}
