'use client';

import { useEffect, useState } from 'react';

/** Seconds that something has been going on for, from `after` on; 0 before, and when it is not. */
export function useSlow(isGoingOn: boolean, after: number): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    setSeconds(0);
    if (!isGoingOn) return;
    const began = performance.now();
    const timer = setInterval(() => setSeconds(Math.floor((performance.now() - began) / 1000)), 500);
    return () => clearInterval(timer);
  }, [isGoingOn]);
  return seconds >= after ? seconds : 0;
}
