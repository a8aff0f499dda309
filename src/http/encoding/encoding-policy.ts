import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type AcceptedCodings, type Coding, parseAcceptEncoding } from './accept-encoding.ts';
import { encoderKinds } from './encoders.ts';
import { Peer } from './peer.ts';
import { SlowClients } from './slow-clients.ts';

/** What the operator has chosen: by the peer, whatever the peer, or never. */
export const compressionModes = ['auto', 'always', 'off'] as const;
export type CompressionMode = (typeof compressionModes)[number];

/** How one answer is sent. */
export interface EncodingChoice {
  /** Undefined: the bytes as they are, and the client is watched. */
  readonly coding: Coding | undefined;
  /** `stored` and `compressed` are how a body begins; it then follows the client's pace. */
  readonly level: 'stored' | 'compressed' | 'always compressed';
  /** Called when a long body has ended: whether the client took it as fast as it was made, as far as that can be told. */
  notePace(keptUp: boolean | undefined): void;
}

/** Chooses how answers are encoded. What it learns of clients it forgets with their connections, or after minutes. */
export class EncodingPolicy {
  readonly #mode: CompressionMode;
  readonly #peers = new WeakMap<Socket, Peer>();
  readonly #slowClients = new SlowClients();

  constructor(mode: CompressionMode) {
    this.#mode = mode;
  }

  /** Undefined: the answer is sent as it is. */
  choose({ headers, socket }: IncomingMessage, response: Headers): EncodingChoice | undefined {
    if (this.#mode === 'off') return undefined;
    const accepted = parseAcceptEncoding(headers['accept-encoding'] as string | undefined);
    if (accepted.codings.length === 0 || !isEncodable(response)) return undefined;
    if (isShort(response) && accepted.identity) return undefined;
    if (this.#mode === 'always') return alwaysCompressed(accepted);
    return this.#chooseFor(this.#peerOf(socket), accepted, headers);
  }

  #chooseFor(peer: Peer, accepted: AcceptedCodings, headers: IncomingHttpHeaders): EncodingChoice {
    if (peer.forwards(headers)) return alwaysCompressed(accepted);
    const { distance } = peer;
    const isSlow = distance === 'host' && peer.keepsUp === undefined && this.#slowClients.has(headers);
    if (isSlow) return alwaysCompressed(accepted);
    const notePace = (keptUp: boolean | undefined) => {
      peer.keepsUp = keptUp ?? peer.keepsUp;
      if (keptUp === false && distance === 'host') this.#slowClients.add(headers);
    };
    const isPlain = peer.keepsUp ?? distance === 'host';
    if (isPlain && distance !== 'public' && accepted.identity) {
      return { coding: undefined, level: 'stored', notePace };
    }
    const isStored = peer.keepsUp ?? distance !== 'public';
    if (isStored) return { coding: adaptableCoding(accepted), level: 'stored', notePace };
    return { coding: accepted.codings[0]!, level: 'compressed', notePace };
  }

  #peerOf(socket: Socket): Peer {
    let peer = this.#peers.get(socket);
    if (!peer) {
      peer = new Peer(socket);
      this.#peers.set(socket, peer);
    }
    return peer;
  }
}

function alwaysCompressed({ codings }: AcceptedCodings): EncodingChoice {
  return { coding: codings[0]!, level: 'always compressed', notePace() {} };
}

/** The client's first choice among those of which blocks can be stored, if there is one. */
function adaptableCoding({ codings }: AcceptedCodings): Coding {
  return codings.find((coding) => encoderKinds[coding].canStore) ?? codings[0]!;
}

const encodableTypes: ReadonlySet<string> = new Set([
  'application/graphql-response+json',
  'application/json',
  'application/x-ndjson',
  'text/csv',
]);

/** Whether it is text of ours that nothing was done to yet. What has an ETag is the same bytes for everybody. */
function isEncodable(headers: Headers): boolean {
  const type = headers.get('content-type')?.split(';', 1)[0] ?? '';
  return encodableTypes.has(type) && !headers.has('content-encoding') && !headers.has('etag');
}

/** Below this, compressing saves no packet. */
const MIN_BYTES = 1400;

function isShort(headers: Headers): boolean {
  const length = headers.get('content-length');
  return length !== null && Number(length) < MIN_BYTES;
}
