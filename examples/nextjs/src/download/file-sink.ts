/** Where a download goes. */
export interface FileSink {
  write(bytes: Uint8Array): Promise<void>;
  /** The file is whole. */
  finish(): Promise<void>;
  /** Nothing of the file stays. */
  discard(): Promise<void>;
}

interface Picker {
  showSaveFilePicker(options: {
    readonly suggestedName: string;
    readonly types: readonly {
      readonly description: string;
      readonly accept: Readonly<Record<string, string[]>>;
    }[];
  }): Promise<FileSystemFileHandle>;
}

/** What a file is called and what it is. */
export interface FileChoice {
  readonly name: string;
  /** As the browser's dialog calls it. */
  readonly description: string;
  readonly mediaType: string;
}

/** Blobs may be kept on disk by the browser; loose pieces are kept in memory. */
const PIECES_PER_BLOB = 64;

/**
 * A file that the user chooses, written as it comes, where the browser can; else one kept by the browser and saved at
 * the end. Must be called right after a click. Undefined when the user closes the dialog.
 */
export async function openFileSink(choice: FileChoice): Promise<FileSink | undefined> {
  const { name, description, mediaType } = choice;
  if (!('showSaveFilePicker' in window)) return createBlobSink(choice);
  try {
    const handle = await (window as unknown as Picker).showSaveFilePicker({
      suggestedName: name,
      types: [{ description, accept: { [mediaType]: [name.slice(name.lastIndexOf('.'))] } }],
    });
    return createHandleSink(handle);
  } catch (error) {
    if ((error as Error).name === 'AbortError') return undefined;
    throw error;
  }
}

async function createHandleSink(handle: FileSystemFileHandle): Promise<FileSink> {
  const stream = await handle.createWritable();
  return {
    write: (bytes) => stream.write(bytes as Uint8Array<ArrayBuffer>),
    finish: () => stream.close(),
    discard: () => stream.abort(),
  };
}

function createBlobSink({ name, mediaType }: FileChoice): FileSink {
  let blobs: Blob[] = [];
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  return {
    async write(bytes) {
      pieces.push(bytes as Uint8Array<ArrayBuffer>);
      if (pieces.length < PIECES_PER_BLOB) return;
      blobs.push(new Blob(pieces));
      pieces = [];
    },
    async finish() {
      const url = URL.createObjectURL(new Blob([...blobs, ...pieces], { type: mediaType }));
      const link = Object.assign(document.createElement('a'), { href: url, download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    },
    async discard() {
      blobs = [];
      pieces = [];
    },
  };
}
