import { hash } from 'node:crypto';
import type { Scope } from '../db/scope.ts';
import type { EndedRequest, OperationDescription, RequestFacts } from '../http/request-facts.ts';
import { pathOf } from '../http/request-target.ts';
import { shownPath } from './request-log.ts';

/** Accounts beyond these are counted. */
const MAX_IDS = 100;
/** A text in quotes, or digits: what a client looks for may stand in its document. */
const LITERALS = /"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|\d+/g;

/**
 * What the audit says of a request that was shown calls, or could have been; undefined for any other. Nobody's number is
 * in it: not the operation, its variables, its name or its answer, and of the document a hash that does not depend on
 * literals.
 */
export function auditRecord(ended: EndedRequest, at: Date): object | undefined {
  const { facts, status, result, millis } = ended;
  const { principal, sender } = facts;
  if (!sender || !touchesCalls(ended)) return undefined;
  return {
    at: at.toISOString(),
    requestId: facts.id,
    subject: principal,
    role: sender.role,
    key: sender.keyId,
    client: facts.caller?.address,
    path: shownPath(pathOf(facts.request.url)),
    document: documentOf(facts),
    accounts: ownersOf(sender.scope),
    rows: facts.rows ?? (isReadForIt(facts) ? facts.rowsRead : undefined),
    bytes: facts.bytes ?? facts.length,
    replica: facts.replica,
    reuse: facts.reuse,
    subscription: facts.telling && (facts.progress === facts.telling ? 'ended' : 'begun'),
    result,
    codes: facts.codes.size > 0 ? [...facts.codes] : undefined,
    status,
    ms: Math.round(millis),
  };
}

/** A standby was read for it, an answer that was made for another is given again, or it will be told of calls as they come. */
function touchesCalls({ facts }: EndedRequest): boolean {
  if (facts.replica !== undefined || facts.reuse !== undefined) return true;
  return facts.telling !== undefined;
}

/** How many calls are in an answer that was read for another request, or will be told, is not known here. */
function isReadForIt({ replica, reuse }: RequestFacts): boolean {
  return replica !== undefined && (reuse === undefined || reuse === 'executed');
}

/** By what is kept with a document that is sent again and again. */
const known = new WeakMap<OperationDescription, string>();

function documentOf({ document, operation }: RequestFacts): string | undefined {
  if (document === undefined) return undefined;
  const digest = (operation && known.get(operation)) ?? documentHash(document);
  if (operation) known.set(operation, digest);
  return digest;
}

/** Documents that differ in nothing but literals have one hash; without any, it is that of the text. */
export function documentHash(document: string): string {
  return hash('sha256', document.replaceAll(LITERALS, '?'));
}

function ownersOf(scope: Scope): string | object {
  switch (scope.kind) {
    case 'all':
      return 'all';
    case 'accounts':
      return { accounts: some(scope.accountIds) };
    case 'customers':
      return { customers: some(scope.customerIds) };
  }
}

function some(ids: readonly string[]): readonly string[] | object {
  return ids.length <= MAX_IDS ? ids : { first: ids[0], count: ids.length };
}
