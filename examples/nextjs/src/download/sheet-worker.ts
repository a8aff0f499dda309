import { encodeSheet } from './encode-sheet.ts';
import type { SheetOptions } from './sheet.ts';

/** What the page says to the worker. */
export type ToWorker =
  | { readonly kind: 'open'; readonly options: SheetOptions }
  /** Whole lines of NDJSON. */
  | { readonly kind: 'lines'; readonly bytes: Uint8Array }
  | { readonly kind: 'finish' };

/** What the worker says to the page. */
export type FromWorker =
  /** The lines are encoded, and more may come. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Of the file. */
  | { readonly kind: 'end'; readonly shortened: number }
  | { readonly kind: 'failed'; readonly message: string };

/** The half of the worker's scope that is used: the compiler knows the page's only. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<ToWorker>) => void;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
};

let wake = () => {};
const waiting: (Uint8Array | undefined)[] = [];

/** What was sent, until the page says that there is no more. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  for (;;) {
    while (waiting.length > 0) {
      const piece = waiting.shift();
      if (!piece) return;
      yield piece;
      scope.postMessage({ kind: 'taken' });
    }
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

async function encode(options: SheetOptions): Promise<void> {
  const loss = { shortened: 0 };
  try {
    for await (const bytes of encodeSheet(options, pieces(), loss)) {
      scope.postMessage({ kind: 'bytes', bytes });
    }
    scope.postMessage({ kind: 'end', shortened: loss.shortened });
  } catch (error) {
    scope.postMessage({ kind: 'failed', message: String((error as Error).message) });
  }
}

scope.onmessage = ({ data }) => {
  if (data.kind === 'open') encode(data.options);
  else {
    waiting.push(data.kind === 'lines' ? data.bytes : undefined);
    wake();
  }
};
