import {
  Environment,
  type GraphQLResponse,
  type GraphQLSingularResponse,
  Network,
  Observable,
  RecordSource,
  Store,
} from 'relay-runtime';

/** One part of an answer to `multipart/mixed;deferSpec=20220824`; an answer in one piece is such a part too. */
interface Part {
  readonly incremental?: readonly (GraphQLSingularResponse & {
    readonly path: readonly (string | number)[];
    readonly items?: readonly object[] | null;
  })[];
  readonly hasNext?: boolean;
}

export function createEnvironment(url: string, token: string): Environment {
  const send = (query: string | null | undefined, variables: object, signal: AbortSignal) =>
    fetch(url, {
      method: 'POST',
      signal,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        // Parts for documents with @defer or @stream; all others are answered as JSON.
        accept: 'application/json, multipart/mixed;deferSpec=20220824',
      },
      body: JSON.stringify({ query, variables }),
    });

  return new Environment({
    getDataID: ({ nodeId }) => nodeId,
    store: new Store(new RecordSource()),
    network: Network.create(({ text }, variables) =>
      Observable.create<GraphQLResponse>((sink) => {
        const abort = new AbortController();
        const run = async () => {
          for await (const part of readParts(await send(text, variables, abort.signal))) {
            for (const response of responsesOf(part)) sink.next(response);
          }
        };
        run().then(sink.complete, sink.error);
        return () => abort.abort();
      }),
    ),
  });
}

/** Relay takes an item of a list at a time, and the deferred fields of an object, each by its path and label. */
function responsesOf(part: Part): GraphQLResponse[] {
  const { incremental, ...initial } = part;
  if (incremental) {
    return incremental.flatMap(({ items, path, ...rest }) => {
      if (!items) return [{ ...rest, path } as GraphQLResponse];
      const start = Number(path.at(-1));
      return items.map(
        (data, index) => ({ ...rest, data, path: [...path.slice(0, -1), start + index] }) as GraphQLResponse,
      );
    });
  }
  return 'data' in initial || 'errors' in initial ? [initial as unknown as GraphQLResponse] : [];
}

async function* readParts(response: Response): AsyncGenerator<Part> {
  if (!response.headers.get('content-type')?.startsWith('multipart/mixed')) {
    yield (await response.json()) as Part;
    return;
  }
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    // No JSON text has a line end in it that could be taken for this.
    const pieces = text.split(/\r?\n?---(?:--)?\r\n/);
    text = pieces.pop()!;
    for (const piece of pieces)
      if (piece.includes('{')) yield JSON.parse(piece.slice(piece.indexOf('{'))) as Part;
  }
}
