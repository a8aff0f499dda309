import { systemClock } from '../clock.ts';
import { type DiscoveryOptions, SourceWatch, type SourceWatchOptions } from './source-watch.ts';

export interface FoundServers {
  /** One server each. */
  readonly urls: readonly string[];
  /** What could not be read of where servers are named, in sentences. */
  readonly problems: readonly string[];
}

/** Reads once where servers are named, for commands that look at them and end. Throws a plain Error as SourceWatch does. */
export async function findServers(
  { urls, file, wanted }: Pick<SourceWatchOptions, 'urls' | 'file' | 'wanted'>,
  discovery: DiscoveryOptions,
): Promise<FoundServers> {
  let found: readonly string[] = [];
  const watch = new SourceWatch({
    urls,
    file,
    wanted,
    discovery,
    clock: systemClock(),
    onServers: (servers) => {
      found = servers.map(({ url }) => url);
    },
  });
  try {
    await watch.refresh();
    const reports = watch.reports();
    return {
      urls: found,
      problems: reports.flatMap(({ kind, place, problem }) =>
        problem ? `${kind} ${place}: ${problem}` : [],
      ),
    };
  } finally {
    watch.close();
  }
}
