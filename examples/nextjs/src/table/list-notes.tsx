'use client';

import { troubleKind } from '../asking/ask-error.ts';
import type { Calls } from '../calls/use-calls.ts';
import { GatewayWords } from '../chrome/gateway-words.tsx';
import { Icon } from '../chrome/icon.tsx';
import { Trouble } from '../chrome/trouble.tsx';
import { useSlow } from '../chrome/use-slow.ts';
import { useView } from '../chrome/view.tsx';
import type { LiveTail } from '../live/use-live-tail.ts';
import { fill } from '../words/fill.ts';

/** After so many seconds an answer is said to be slow. */
const SLOW_SECONDS = 3;

/** What there is to say about the list: why it is old, slow, partly there or broken off, and what to do about it. */
export function ListNotes({
  calls,
  live,
  error,
  retry,
}: {
  readonly calls: Calls;
  readonly live: LiveTail;
  readonly error: unknown;
  retry(): void;
}) {
  const { words, formats } = useView();
  const slow = useSlow((calls.isLoading || calls.isLoadingMore) && calls.error === null, SLOW_SECONDS);
  const n = words.notes;
  const kept =
    calls.list.length > 0 && calls.receivedAt !== null
      ? fill(n.kept, { time: formats.clockTime(calls.receivedAt) })
      : undefined;
  const { stream } = calls;
  const isSignedOut = error !== null && troubleKind(error) === 'signedOut';
  const isLost = live.isLive && live.state === 'lost';
  // What is lost is taken up again by itself.
  const liveTrouble = isLost ? null : live.error;
  return (
    <div className="notes" data-live={live.isLive ? live.state : undefined}>
      {error !== null && <Trouble error={error} retry={retry} kept={kept} />}
      {error === null && slow > 0 && (
        <p className="note" role="status" data-trouble="waiting">
          <Icon name="hourglass" />
          {fill(n.slow, { seconds: String(slow) })} {kept}
          <button type="button" className="button" onClick={calls.cancel}>
            {n.cancel}
          </button>
        </p>
      )}
      {calls.partial.length > 0 && (
        <p className="note note-partial" role="status" data-trouble="partial">
          <Icon name="broken" />
          {fill(n.partial[formats.plural(calls.partial.length) === 'one' ? 'one' : 'other'], {
            n: formats.count(calls.partial.length),
          })}{' '}
          <GatewayWords text={calls.partial[0]?.message} />
          <button type="button" className="button" onClick={calls.retry}>
            {words.trouble.retry}
          </button>
        </p>
      )}
      {stream?.kind === 'running' && (
        <p className="note" role="status" data-stream="running" data-rows={stream.rows}>
          <progress max={stream.wanted} value={stream.rows} aria-label={n.streaming} />
          {n.streaming} {formats.count(stream.rows)}
          <button type="button" className="button" onClick={calls.cancel}>
            {n.cancel}
          </button>
        </p>
      )}
      {stream?.kind === 'brokenOff' && !isSignedOut && (
        <Trouble
          error={stream.error}
          retry={() => calls.loadAll(calls.list.length - stream.rows + stream.wanted)}
          kept={fill(n.brokenOff, { n: formats.count(stream.rows) })}
        />
      )}
      {liveTrouble !== null && error === null && <Trouble error={liveTrouble} retry={live.toggle} isSmall />}
      {live.isLive && live.state === 'polled' && liveTrouble === null && (
        <p className="note" role="status">
          <Icon name="clock" />
          {n.livePolled}
        </p>
      )}
      {isLost && !isSignedOut && (
        <p className="note" role="status">
          <Icon name="plug" />
          {n.liveLost}
        </p>
      )}
      {live.wasPaused && (
        <p className="note" role="status" data-live="paused">
          <Icon name="pause" />
          {n.livePaused}
          <button type="button" className="button" onClick={live.toggle}>
            {n.liveAgain}
          </button>
        </p>
      )}
      {live.hasGap && (
        <p className="note note-partial" role="status">
          <Icon name="broken" />
          {n.liveGap}
        </p>
      )}
    </div>
  );
}
