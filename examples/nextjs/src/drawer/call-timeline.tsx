'use client';

import type { Call } from '../calls/call-list.ts';
import { useView } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';

/** Setting up, ringing, talking: the parts of the call as one bar, each at least visible. */
export function CallTimeline({
  call,
  setupTime,
}: {
  readonly call: Call;
  readonly setupTime: string | null;
}) {
  const { words, formats } = useView();
  const talking = Number(call.durationSeconds ?? 0);
  const waiting =
    setupTime === null ? 0 : Math.max(0, (Date.parse(call.connectTime) - Date.parse(setupTime)) / 1000);
  // Without a first ringing it was all dialling.
  const dialling = call.pddSeconds === null ? waiting : Math.min(waiting, Number(call.pddSeconds));
  const parts = [
    { name: 'dialling', seconds: dialling },
    { name: 'ringing', seconds: waiting - dialling },
    { name: 'talking', seconds: talking },
  ] as const;
  const total = waiting + talking;
  if (total === 0) return null;
  return (
    <div className="timeline">
      <div className="timeline-bar" aria-hidden="true">
        {parts
          .filter(({ seconds }) => seconds > 0)
          .map(({ name, seconds }) => (
            <span
              key={name}
              className={`part-${name}`}
              style={{ flexGrow: Math.max(seconds / total, 0.02) }}
            />
          ))}
      </div>
      <p className="aside">
        {parts
          .filter(({ seconds }) => seconds > 0)
          .map(({ name, seconds }) => fill(words.drawer[name], { time: formats.seconds(seconds) }))
          .join(' · ')}
      </p>
    </div>
  );
}
