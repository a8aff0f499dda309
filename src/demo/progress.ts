/** The terminal or the file where progress is shown. */
export interface Screen {
  readonly isTTY?: boolean;
  /** Characters per line of a terminal. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** Lines for a person: on a terminal the last one is rewritten in place while a step goes on. */
export interface Progress {
  say(line: string): void;
  /** Like `say`, for a step that goes on: shown often on a terminal, now and then elsewhere. */
  update(line: string): void;
}

const QUIET_MS = 5_000;
const REDRAW_MS = 100;

export function createProgress(screen: Screen): Progress {
  const isTerminal = screen.isTTY === true;
  let isOpen = false;
  let shown = performance.now();
  return {
    say(line) {
      screen.write(`${isOpen ? '\r\x1b[K' : ''}${line}\n`);
      isOpen = false;
    },
    update(line) {
      if (performance.now() - shown < (isTerminal ? REDRAW_MS : QUIET_MS)) return;
      shown = performance.now();
      // A line that wraps could not be rewritten.
      screen.write(isTerminal ? `\r\x1b[K${line.slice(0, (screen.columns ?? 80) - 1)}` : `${line}\n`);
      isOpen = isTerminal;
    },
  };
}
