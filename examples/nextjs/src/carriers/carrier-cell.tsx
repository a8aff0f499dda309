'use client';

import { useEffect, useSyncExternalStore } from 'react';
import type { View } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import type { Carrier } from './ask-carriers.ts';

/** Empty until it is known, a dash where nothing is: the row waits for nobody. */
export function CarrierCell({ number, view }: { readonly number: string; readonly view: View }) {
  const { carriers } = view;
  const get = () => carriers.get(number);
  const carrier = useSyncExternalStore(carriers.subscribe, get, get);
  useEffect(() => carriers.want(number), [carriers, number]);
  if (carrier === undefined) return null;
  return carrier ? <CarrierName carrier={carrier} view={view} /> : <span className="nothing">–</span>;
}

/** The holder of the block, or the country where none is known, and the kind of line; on hover that numbers are ported. */
export function CarrierName({ carrier, view }: { readonly carrier: Carrier; readonly view: View }) {
  const { words, formats } = view;
  const { blockHolder, country, lineKind } = carrier;
  const place = country === null ? null : formats.region(country);
  const kind = lineKind === null ? null : words.lineKinds[lineKind];
  return (
    <span data-hint={hintOf(carrier, view)}>
      {blockHolder ?? <span className="aside">{place}</span>}
      {kind && <span className="aside"> {kind}</span>}
    </span>
  );
}

function hintOf({ blockHolder, blockHolderCode, territory, country }: Carrier, { words, formats }: View) {
  const w = words.carrier;
  if (blockHolder === null)
    return country === null ? w.unknown : fill(w.foreign, { country: formats.region(country) });
  const about = [blockHolderCode, territory].filter((part) => part !== null).join(', ');
  return fill(w.ported, { holder: about ? `${blockHolder} (${about})` : blockHolder });
}
