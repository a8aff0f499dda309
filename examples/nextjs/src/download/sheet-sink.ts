import type { FileSink } from './file-sink.ts';
import type { SheetOptions } from './sheet.ts';
import type { FromWorker, ToWorker } from './sheet-worker.ts';

/** Takes NDJSON and writes a sheet. */
export interface SheetSink extends FileSink {
  /** Texts that a cell is too short for; known when the file is finished. */
  readonly shortened: number;
}

/** Encodes in a worker, so that the page goes on; one piece at a time, so that neither gathers what the other is too slow for. */
export function createSheetSink(sink: FileSink, options: SheetOptions): SheetSink {
  const worker = new Worker(new URL('./sheet-worker.ts', import.meta.url), { type: 'module' });
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();
  let writing = Promise.resolve();
  let shortened = 0;
  failed.catch(() => {});

  const send = (message: ToWorker) => worker.postMessage(message);
  worker.onerror = (event) => fail(new Error(event.message || 'The worker of the file failed.'));
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === 'taken') taken.resolve();
    else if (data.kind === 'bytes') {
      writing = writing.then(() => sink.write(data.bytes));
      writing.catch(fail);
    } else if (data.kind === 'end') {
      shortened = data.shortened;
      end();
    } else fail(new Error(data.message));
  };
  send({ kind: 'open', options });

  return {
    get shortened() {
      return shortened;
    },
    async write(bytes) {
      taken = Promise.withResolvers();
      send({ kind: 'lines', bytes });
      await Promise.race([taken.promise, failed]);
      await writing;
    },
    async finish() {
      send({ kind: 'finish' });
      await Promise.race([ended, failed]);
      await writing;
      worker.terminate();
      await sink.finish();
    },
    async discard() {
      worker.terminate();
      await writing.catch(() => {});
      await sink.discard();
    },
  };
}
