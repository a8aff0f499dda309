import type { MemorySample } from './memory-probe.ts';
import type { ResidentSample } from './resident-memory.ts';

/** A time of the run, in milliseconds since 1970. */
export interface Span {
  readonly title: string;
  readonly from: number;
  readonly to: number;
}

export interface MemoryRun {
  readonly resident: readonly ResidentSample[];
  readonly probe: readonly MemorySample[];
  readonly spans: readonly Span[];
  /** Bytes: the line to compare with, and the line not to cross. */
  readonly idle: number;
  readonly max: number;
}

const WIDTH = 960;
const HEIGHT = 420;
const PLOT = { left: 64, right: 16, top: 56, bottom: 44 };
const MEGABYTE = 1024 * 1024;

const COLOURS = {
  resident: '#0b5fa5',
  heap: '#c2410c',
  buffers: '#15803d',
  limit: '#6b7280',
  span: '#e5eefc',
};

interface Curve {
  readonly title: string;
  readonly colour: string;
  readonly points: readonly { readonly at: number; readonly bytes: number }[];
}

/** Resident memory and heap over time, as an SVG. */
export function drawMemory(run: MemoryRun): string {
  const { resident, probe, spans, idle, max } = run;
  const curves: Curve[] = [
    {
      title: 'resident memory (RSS)',
      colour: COLOURS.resident,
      points: resident.map((sample) => ({ at: sample.at, bytes: sample.resident })),
    },
    {
      title: 'JavaScript heap in use',
      colour: COLOURS.heap,
      points: probe.map(({ at, heapUsed }) => ({ at, bytes: heapUsed })),
    },
    {
      title: 'buffers outside it',
      colour: COLOURS.buffers,
      points: probe.map(({ at, external }) => ({ at, bytes: external })),
    },
  ];
  const axes = chooseAxes(run, curves);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    '<title>Memory of the gateway while it answers long lists</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    ...spans.map((span) => spanBand(span, axes)),
    ...gridLines(axes),
    limitLine('idle', idle, axes),
    limitLine('idle + 48 MB', max, axes),
    ...curves.map((curve) => curveLine(curve, axes)),
    ...curves.map((curve, index) => legend(curve, index)),
    '</svg>',
    '',
  ].join('\n');
}

interface Axes {
  readonly from: number;
  readonly to: number;
  /** Megabytes. */
  readonly top: number;
  x(at: number): string;
  y(bytes: number): string;
}

function chooseAxes({ resident, max }: MemoryRun, curves: readonly Curve[]): Axes {
  const from = resident[0]!.at;
  const to = resident.at(-1)!.at;
  const highest = Math.max(max, ...curves.flatMap(({ points }) => points.map(({ bytes }) => bytes)));
  const top = 50 * Math.ceil((1.05 * highest) / MEGABYTE / 50);
  const scaleX = (WIDTH - PLOT.left - PLOT.right) / (to - from);
  const scaleY = (HEIGHT - PLOT.top - PLOT.bottom) / top;
  return {
    from,
    to,
    top,
    x: (at) => (PLOT.left + (Math.min(Math.max(at, from), to) - from) * scaleX).toFixed(1),
    y: (bytes) => (HEIGHT - PLOT.bottom - (bytes / MEGABYTE) * scaleY).toFixed(1),
  };
}

function spanBand({ title, from, to }: Span, { x }: Axes): string {
  const [left, right] = [Number(x(from)), Number(x(to))];
  const height = HEIGHT - PLOT.top - PLOT.bottom;
  return (
    `<rect x="${left}" y="${PLOT.top}" width="${Math.max(1, right - left).toFixed(1)}" height="${height}" fill="${COLOURS.span}"/>` +
    `<text x="${((left + right) / 2).toFixed(1)}" y="${PLOT.top - 6}" text-anchor="middle" fill="#374151">${title}</text>`
  );
}

function gridLines({ from, to, top, x, y }: Axes): string[] {
  const megabytes = Array.from({ length: top / 50 + 1 }, (_, index) => index * 50);
  const step = [1, 2, 5, 10, 20, 60].find((seconds) => (to - from) / 1000 / seconds <= 16) ?? 120;
  const seconds = Array.from(
    { length: Math.floor((to - from) / 1000 / step) + 1 },
    (_, index) => index * step,
  );
  return [
    ...megabytes.map(
      (value) =>
        `<line x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y(value * MEGABYTE)}" y2="${y(value * MEGABYTE)}" stroke="#d1d5db" stroke-width="0.5"/>` +
        `<text x="${PLOT.left - 8}" y="${Number(y(value * MEGABYTE)) + 4}" text-anchor="end" fill="#374151">${value} MB</text>`,
    ),
    ...seconds.map(
      (value) =>
        `<text x="${x(from + value * 1000)}" y="${HEIGHT - PLOT.bottom + 18}" text-anchor="middle" fill="#374151">${value} s</text>`,
    ),
  ];
}

function limitLine(title: string, bytes: number, { y }: Axes): string {
  return (
    `<line x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y(bytes)}" y2="${y(bytes)}" stroke="${COLOURS.limit}" stroke-dasharray="4 3"/>` +
    `<text x="${WIDTH - PLOT.right - 4}" y="${Number(y(bytes)) - 4}" text-anchor="end" fill="${COLOURS.limit}">${title}</text>`
  );
}

function curveLine({ colour, points }: Curve, { from, to, x, y }: Axes): string {
  const within = points.filter(({ at }) => at >= from && at <= to);
  const path = within.map(({ at, bytes }) => `${x(at)},${y(bytes)}`).join(' ');
  return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path}"/>`;
}

function legend({ title, colour }: Curve, index: number): string {
  const x = PLOT.left + index * 200;
  return (
    `<line x1="${x}" x2="${x + 22}" y1="20" y2="20" stroke="${colour}" stroke-width="3"/>` +
    `<text x="${x + 28}" y="24" fill="#111827">${title}</text>`
  );
}
