import type { Sample } from './sample.ts';
import type { SwitchPoint, Token } from './token.ts';

/**
 * How it is known where two timelines part, the best first: a server's history, or the server that was promoted, says the
 * very place; so does a position that a gateway wrote who knew it; servers that were seen on either side show how much both
 * share at least.
 */
export type Evidence = 'server' | 'position' | 'lineage';

const rank: Readonly<Record<Evidence, number>> = { server: 2, position: 1, lineage: 0 };

/** Up to where two timelines have one history. */
interface Shared {
  readonly lsn: bigint;
  /** It is the very place where they part: what lies beyond on the older one is not part of the later one. */
  readonly isExact: boolean;
}

interface Known {
  readonly lsn: bigint;
  readonly evidence: Evidence;
}

const WHOLE: Shared = { lsn: 2n ** 64n, isExact: true };

/**
 * Where the timelines of a cluster part. A promotion begins a new timeline at some place of the old one; what the old
 * primary wrote beyond is lost to all who follow.
 */
export class Timelines {
  /** By cluster, by timeline, then by the older timeline. */
  readonly #known = new Map<string, Map<number, Map<number, Known>>>();

  /** `timeline` has the history of `from.timeline` up to `from.lsn`: at least, or exactly. */
  note(systemIdentifier: string, timeline: number, from: SwitchPoint, evidence: Evidence): void {
    if (from.timeline >= timeline) return;
    const ofCluster = this.#known.get(systemIdentifier) ?? new Map<number, Map<number, Known>>();
    this.#known.set(systemIdentifier, ofCluster);
    const points = ofCluster.get(timeline) ?? new Map<number, Known>();
    ofCluster.set(timeline, points);
    const before = points.get(from.timeline);
    if (before && !replaces({ lsn: from.lsn, evidence }, before)) return;
    points.set(from.timeline, { lsn: from.lsn, evidence });
  }

  /** What a server on `timeline` says of all timelines that led to its own, the oldest first. */
  noteHistory(systemIdentifier: string, timeline: number, points: readonly SwitchPoint[]): void {
    for (const [index, point] of points.entries()) {
      for (const later of [...points.slice(index + 1).map((each) => each.timeline), timeline]) {
        this.note(systemIdentifier, later, point, 'server');
      }
    }
  }

  /** What the gateway knew that wrote the position. Only of positions that nobody else can have written. */
  notePosition({ systemIdentifier, timeline, switchedFrom }: Token): void {
    if (switchedFrom) this.note(String(systemIdentifier), timeline, switchedFrom, 'position');
  }

  /** Undefined when nothing is known of it. */
  sharedUpTo(systemIdentifier: string, timeline: number, older: number): Shared | undefined {
    const ofCluster = this.#known.get(systemIdentifier);
    const reached = new Map<number, Shared>([[timeline, WHOLE]]);
    const between = [...(ofCluster?.keys() ?? [])].filter((each) => each <= timeline && each > older);
    for (const later of between.sort((a, b) => b - a)) {
      const via = reached.get(later);
      if (!via) continue;
      for (const [earlier, { lsn, evidence }] of ofCluster!.get(later)!) {
        if (earlier < older) continue;
        const point = { lsn, isExact: evidence !== 'lineage' };
        reached.set(earlier, better(reached.get(earlier), lsn <= via.lsn ? point : via));
      }
    }
    return reached.get(older);
  }

  /** Where the timeline began, when that is known exactly. */
  beginOf(systemIdentifier: string, timeline: number): SwitchPoint | undefined {
    const [latest] = [...(this.#known.get(systemIdentifier)?.get(timeline) ?? [])].sort(([a], [b]) => b - a);
    if (!latest || latest[1].evidence === 'lineage') return undefined;
    return { timeline: latest[0], lsn: latest[1].lsn };
  }

  /**
   * Whether the servers say that they began the position's timeline elsewhere. Two standbys that were promoted apart give
   * their timelines the same number.
   */
  isOfAnotherBranch({ systemIdentifier, timeline, switchedFrom }: Token): boolean {
    if (!switchedFrom) return false;
    const points = this.#known.get(String(systemIdentifier))?.get(timeline);
    const ours = [...(points ?? [])].filter(([, { evidence }]) => evidence === 'server');
    if (ours.length === 0) return false;
    const [older, { lsn }] = ours.reduce((latest, each) => (each[0] > latest[0] ? each : latest));
    return older !== switchedFrom.timeline || lsn !== switchedFrom.lsn;
  }
}

/** What a server says now counts more than what another one, or the same before it was made anew, has said. */
function replaces(now: Known, before: Known): boolean {
  if (now.evidence !== before.evidence) {
    const contradicts = now.evidence === 'position' && now.lsn < before.lsn;
    return rank[now.evidence] > rank[before.evidence] && !contradicts;
  }
  return now.evidence === 'server' || (now.evidence === 'lineage' && now.lsn > before.lsn);
}

function better(one: Shared | undefined, other: Shared): Shared {
  if (!one || (other.isExact && !one.isExact)) return other;
  return one.isExact || one.lsn >= other.lsn ? one : other;
}

/**
 * Whether a server has everything up to the position: it has, it may have it later, it can never have it because that
 * part of the history was lost in a fail-over, or it is not known which.
 */
export type Reach = 'replayed' | 'ahead' | 'lost' | 'unknown';

export function reachOf(
  sample: Sample,
  position: Token,
  timelines: Pick<Timelines, 'sharedUpTo' | 'isOfAnotherBranch'>,
): Reach {
  const { systemIdentifier, timeline, lsn, switchedFrom: begun } = position;
  if (BigInt(sample.systemIdentifier) !== systemIdentifier) return 'unknown';
  // Both timelines have this place: a server that has not followed yet may have replayed it.
  if (begun && begun.timeline < timeline && lsn <= begun.lsn) {
    return reachOf(sample, { systemIdentifier, timeline: begun.timeline, lsn }, timelines);
  }
  if (timeline > sample.timeline) return 'ahead';
  if (timelines.isOfAnotherBranch(position)) return 'lost';
  if (timeline < sample.timeline) {
    const shared = timelines.sharedUpTo(sample.systemIdentifier, sample.timeline, timeline);
    if (!shared || lsn > shared.lsn) return shared?.isExact ? 'lost' : 'unknown';
  }
  return lsn <= sample.lsn ? 'replayed' : 'ahead';
}
