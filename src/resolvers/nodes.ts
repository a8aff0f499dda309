import DataLoader from 'dataloader';
import type { Principal } from '../access/principals.ts';
import { checkPermission } from '../access/roles.ts';
import { type AccountRow, type CustomerRow, selectAccounts, selectCustomers } from '../db/calls/accounts.ts';
import { type CdrRow, selectCdrs } from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import { InvalidArgumentError } from '../errors.ts';
import { decodeNodeId, encodeNodeId, type NodeKey, type NodeType } from '../streaming/node-id.ts';
import { isId } from './cdr-filter.ts';
import { itemOf } from './cdrs.ts';

/** Ids that `nodes` takes at once. */
export const MAX_NODES = 100;
/** Objects of one statement: a request may select `node` many times. */
const MAX_BATCH = 1000;

export type NodeRow = CdrRow | AccountRow | CustomerRow;

/** Null: there is none, or none that the principal may see. */
export type NodeLoader = DataLoader<NodeKey, NodeRow | null, string>;

interface NodesDeps {
  readonly principal: Principal;
  loaders(): { readonly node: NodeLoader };
}

/** How objects of each type are found, by their plain ids; those that the reader may not see are missing. */
const selections: {
  readonly [Type in NodeType]: (
    reader: Reader,
    ids: readonly string[],
  ) => Promise<ReadonlyMap<string, NodeRow | Error>>;
} = {
  async Cdr(reader, ids) {
    const rows = await selectCdrs(reader, ids);
    return new Map([...rows].map(([id, row]) => [id, itemOf(row)]));
  },
  Account: selectAccounts,
  Customer: selectCustomers,
};

/** Of rows that were found by a loader here: which a `Node` that is asked for its type always is. */
const typesOfRows = new WeakMap<NodeRow, NodeType>();

/** One statement per type, however many ids there are. */
export function createNodeLoader(reader: () => Promise<Reader>): NodeLoader {
  return new DataLoader((keys) => findAll(reader, keys), {
    cacheKeyFn: encodeNodeId,
    maxBatchSize: MAX_BATCH,
  });
}

async function findAll(
  reader: () => Promise<Reader>,
  keys: readonly NodeKey[],
): Promise<(NodeRow | Error | null)[]> {
  const types = [...new Set(keys.map(({ type }) => type))];
  const found = new Map(
    await Promise.all(types.map(async (type) => [type, await findOfType(type)] as const)),
  );
  return keys.map(({ type, id }) => {
    const ofType = found.get(type)!;
    return ofType instanceof Error ? ofType : (ofType.get(id) ?? null);
  });

  /** The failure of one type is not that of the others. */
  async function findOfType(type: NodeType): Promise<ReadonlyMap<string, NodeRow | Error> | Error> {
    const ids = keys.filter((key) => key.type === type).map(({ id }) => id);
    try {
      const rows = await selections[type](await reader(), ids);
      for (const row of rows.values()) if (!(row instanceof Error)) typesOfRows.set(row, type);
      return rows;
    } catch (error) {
      return error as Error;
    }
  }
}

/** The object, or null when there is none that this principal may see. Throws InvalidArgumentError for what is no id. */
export async function findNode(deps: NodesDeps, nodeId: string): Promise<NodeRow | null> {
  checkPermission(deps.principal, 'CALLS', 'Query.node');
  return deps.loaders().node.load(parseNodeId(nodeId, 'nodeId'));
}

/** Position by position; what is no id is an error in its place. Throws InvalidArgumentError above MAX_NODES. */
export function findNodes(
  deps: NodesDeps,
  nodeIds: readonly string[],
): readonly (Promise<NodeRow | null> | Error)[] {
  checkPermission(deps.principal, 'CALLS', 'Query.nodes');
  if (nodeIds.length > MAX_NODES) {
    throw new InvalidArgumentError(
      `nodeIds: at most ${MAX_NODES} at once, got ${nodeIds.length}. Ask in several requests.`,
    );
  }
  return nodeIds.map((nodeId, index) => {
    try {
      return deps.loaders().node.load(parseNodeId(nodeId, `nodeIds[${index}]`));
    } catch (error) {
      return error as Error;
    }
  });
}

/** The type of an object that was found here. */
export function typeOfNode(row: NodeRow): NodeType | undefined {
  return typesOfRows.get(row);
}

function parseNodeId(nodeId: string, where: string): NodeKey {
  const key = decodeNodeId(nodeId);
  if (key && isId(key.id)) return key;
  throw new InvalidArgumentError(
    `${where}: "${nodeId.slice(0, 40)}" is no "nodeId" of ours. Give one as it was answered; a plain "id" is none.`,
  );
}
