import {
  type DocumentNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type ParseOptions,
  parse,
  type Source,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { checkDocument, checkText, type DocumentLimits, documentLimits } from '../access/limits.ts';
import { allowanceOf, checkCost } from '../access/limits-cost.ts';

/** What the limits need to know of a request. */
interface Limited {
  readonly principal: { readonly maxPage: number };
}

/** Refuses documents that are absurd, before they cost anything: text, then document, then cost by the principal. */
export function useLimits(limits: DocumentLimits = documentLimits): Plugin {
  const checked = new WeakSet<DocumentNode>();

  return {
    onParse({ setParseFn }) {
      setParseFn((source: string | Source, options?: ParseOptions) => {
        checkText(typeof source === 'string' ? source : source.body, limits);
        return parse(source, options);
      });
      return ({ result }) => {
        // Yoga keeps parsed documents, so that a query which is sent again is not checked again.
        if (!result || result instanceof Error || checked.has(result)) return;
        checkDocument(result, limits);
        checked.add(result);
      };
    },
    onExecute({ args }) {
      const { schema, document, operationName, variableValues, contextValue } = args;
      const operation = getOperationAST(document, operationName);
      if (!operation) return;
      const question = {
        schema,
        operation,
        fragments: fragmentsOf(document),
        variables: variableValues ?? {},
      };
      checkCost(question, allowanceOf((contextValue as unknown as Limited).principal));
    },
  };
}

function fragmentsOf(document: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return fragments;
}
