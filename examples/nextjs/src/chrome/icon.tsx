/** Strokes on a 16 × 16 grid. Ours: nothing is fetched, and a button costs a few bytes. */
const paths = {
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM14 14l-3.5-3.5',
  left: 'M10 3 5 8l5 5',
  right: 'M6 3l5 5-5 5',
  down: 'M4 6l4 4 4-4',
  up: 'M4 10l4-4 4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3',
  live: 'M8 8h.01M5.2 10.8a4 4 0 0 1 0-5.6M10.8 5.2a4 4 0 0 1 0 5.6M3 13a7 7 0 0 1 0-10M13 3a7 7 0 0 1 0 10',
  pause: 'M5.5 3v10M10.5 3v10',
  download: 'M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10',
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  star: 'M8 2l1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5z',
  filter: 'M2 3h12l-4.7 5.6V13l-2.6-1.5V8.6z',
  include: 'M8 4v8M4 8h8',
  exclude: 'M4 8h8',
  copy: 'M6 5.5h7.5v8H6zM10 5.5v-3H2.5v8H6',
  link: 'M6.5 9.5l3-3M7 4.5l1.2-1.2a3 3 0 0 1 4.3 4.3L11.2 8.8M9 11.5l-1.2 1.2a3 3 0 0 1-4.3-4.3L4.8 7.2',
  help: 'M6 6a2 2 0 1 1 2.8 1.8c-.6.3-.8.7-.8 1.2v.3M8 11.8h.01M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z',
  clock: 'M8 4.5V8l2.3 1.5M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z',
  globe:
    'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM1.5 8h13M8 1.5c2 2 2.8 4.2 2.8 6.5S10 12.500 8 14.500C6 12.500 5.200 10.300 5.200 8S6 3.500 8 1.500Z',
  sun: 'M8 10.800a2.800 2.800 0 1 0 0-5.600 2.800 2.800 0 0 0 0 5.600ZM8 1.500v1.300M8 13.200v1.300M1.500 8h1.300M13.200 8h1.300M3.400 3.400l.9.900M11.700 11.700l.9.900M3.400 12.600l.9-.9M11.700 4.300l.9-.9',
  moon: 'M13.500 9.300A5.800 5.800 0 1 1 6.700 2.500a4.600 4.600 0 0 0 6.800 6.800Z',
  user: 'M8 8a2.800 2.800 0 1 0 0-5.600A2.800 2.800 0 0 0 8 8ZM2.800 14a5.200 5.200 0 0 1 10.400 0',
  warning: 'M8 2l6.500 11.500h-13zM8 6.500v3M8 11.500h.010',
  plug: 'M6 2v3M10 2v3M4 5h8v2.500a4 4 0 0 1-8 0zM8 11.500v3',
  hourglass: 'M4 2h8M4 14h8M5 2v2.500L8 8l3-3.500V2M5 14v-2.500L8 8l3 3.500V14',
  broken: 'M2.500 4h11M2.500 8h5M2.500 12h3M10 8l4 4M14 8l-4 4',
  chart: 'M2.500 13.500h11M4.500 11V7M8 11V3M11.500 11V5.500',
  line: 'M2 13.500h12M2.500 10.500 6 6l3 2.500 4.500-5.500',
  pulse: 'M1.500 8.500h3l2-5.500 3 10 2-4.500h3',
  table: 'M2.500 3h11v10h-11zM2.500 6.300h11M2.500 9.600h11',
  more: 'M3.500 8h.010M8 8h.010M12.500 8h.010',
  contrast:
    'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM8 1.5v13M8 4h4.600M8 6.500h6.200M8 9h6.300M8 11.500h5.200',
  arrow: 'M3 8h10M9.500 4.500 13 8l-3.500 3.500',
} as const;

export type IconName = keyof typeof paths;

/** Always beside words, or in a button with a label: never read aloud. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
