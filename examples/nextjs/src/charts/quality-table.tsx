'use client';

import { useState } from 'react';
import { useView } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import { qualityMeasures } from './quality-points.ts';
import { sayQuality, timeOf } from './quality-text.ts';
import type { DrawnQuality } from './use-quality.ts';

/** The same numbers to be read, one by one or aloud. */
export function QualityTable({ drawn }: { readonly drawn: DrawnQuality }) {
  const view = useView();
  const w = view.words.quality;
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="picture quality-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{w.table}</summary>
      {isOpen && (
        <div className="quality-scroll" tabIndex={0} role="group" aria-label={w.table}>
          <table>
            <thead>
              <tr>
                <th scope="col">{fill(w.time, { zone: view.formats.zone })}</th>
                {qualityMeasures.flatMap((measure) => [
                  <th key={measure} scope="col">
                    {w.measures[measure]}
                  </th>,
                  <th key={`${measure} before`} scope="col" className="aside">
                    {fill(w.measureBefore, { name: w.measures[measure] })}
                  </th>,
                ])}
              </tr>
            </thead>
            <tbody>
              {drawn.points.map(({ from, now, before }) => (
                <tr key={from}>
                  <th scope="row">{timeOf(from, drawn.unit, view)}</th>
                  {qualityMeasures.flatMap((measure) => [
                    <td key={measure}>{sayQuality(measure, now[measure], view)}</td>,
                    <td key={`${measure} before`} className="aside">
                      {sayQuality(measure, before?.[measure] ?? null, view)}
                    </td>,
                  ])}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
