import { findNode, findNodes, MAX_NODES, type NodeRow, typeOfNode } from '../resolvers/nodes.ts';
import { encodeNodeId, type NodeType } from '../streaming/node-id.ts';
import { builder } from './builder.ts';

const nodeId = {
  nullable: false,
  description:
    'An id that no other object of any type has, for `node` and for caches that key objects by one field. Opaque; the same ' +
    'on every standby, and it never changes.',
} as const;

export const Node = builder.interfaceRef<NodeRow>('Node').implement({
  description: 'An object that can be found again by one id, whatever its type.',
  fields: (t) => ({ nodeId: t.id(nodeId) }),
  resolveType: (row) => typeOfNode(row),
});

/** The id of a type's objects; `extensions.nodeId` is what the streaming path reads. */
export function nodeIdOf<Row>(type: NodeType, idOf: (row: Row) => string) {
  return {
    ...nodeId,
    extensions: { nodeId: type },
    resolve: (row: Row) => encodeNodeId({ type, id: idOf(row) }),
  };
}

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    description:
      'The object with this id; null when there is none, or none that you may see. An account or a customer that the ' +
      'database has no table for is not found either.',
    args: { nodeId: t.arg.id({ required: true, description: '`Node.nodeId`.' }) },
    resolve: (_root, { nodeId }, context) => findNode(context, String(nodeId)),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: 'The same for several ids, position by position. What is no id is null, beside its error.',
    args: {
      nodeIds: t.arg.idList({
        required: true,
        description: `At most ${MAX_NODES}, each as in \`Node.nodeId\`.`,
      }),
    },
    resolve: (_root, { nodeIds }, context) => findNodes(context, nodeIds.map(String)) as never,
  }),
}));
