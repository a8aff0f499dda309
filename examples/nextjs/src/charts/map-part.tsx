'use client';

import { useView } from '../chrome/view.tsx';
import type { TimeRange } from '../filter/time-range.ts';
import { fill } from '../words/fill.ts';

/** Of how much of a longer range a heat map is. */
export function MapPart({ range: { from, to } }: { readonly range: TimeRange }) {
  const { words, formats } = useView();
  return (
    <p className="aside" data-part>
      {fill(words.quality.part, { from: formats.minute(from), to: formats.minute(to) })}
    </p>
  );
}
