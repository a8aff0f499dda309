import {
  type DocumentNode,
  type ExecutionArgs,
  getOperationAST,
  type ParseOptions,
  parse,
  type Source,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { fragmentsOf } from '../streaming/selection.ts';
import { allowanceOf, checkCost } from './cost.ts';
import { checkDocument, checkText, type DocumentLimits, documentLimits } from './document-limits.ts';

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
      checkOperation(args);
    },
  };
}

/** Throws LimitExceededError when the operation costs more than its principal may spend. */
export function checkOperation(args: ExecutionArgs): void {
  const { schema, document, operationName, variableValues, contextValue } = args;
  const operation = getOperationAST(document, operationName);
  if (!operation) return;
  const question = { schema, operation, fragments: fragmentsOf(document), variables: variableValues ?? {} };
  checkCost(question, allowanceOf((contextValue as Limited).principal));
}
