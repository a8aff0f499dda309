import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Role } from '../access/roles.ts';
import { BadRequestError, ForbiddenError, PersistedQueryNotFoundError } from '../errors.ts';
import { BadSettingsError } from '../settings/parse.ts';
import { RequestErrors } from './errors.ts';
import type { Params } from './params.ts';

/** What a role may send beside the documents of the manifests. */
export const documentPolicies = {
  optional: 'Any document.',
  preferred: 'Any document, but no introspection and no suggestions of names.',
  required: 'None.',
} as const;
export type DocumentPolicy = keyof typeof documentPolicies;

export interface TrustedDocumentsOptions {
  /** Files of JSON: texts of documents by `sha256:` and the hash of the text, or by the hash alone. */
  readonly files: readonly string[];
  /** Roles without one may send any document. */
  readonly policies: Partial<Readonly<Record<Role, DocumentPolicy>>>;
}

/** The documents that operators have let in, and who may send others. */
export class TrustedDocuments {
  /** By hash. */
  readonly #texts: ReadonlyMap<string, string>;
  readonly #trusted: ReadonlySet<string>;
  readonly #policies: TrustedDocumentsOptions['policies'];

  /** Throws BadSettingsError when a file cannot be read, or a hash is not that of its text. */
  constructor({ files, policies }: TrustedDocumentsOptions) {
    this.#texts = new Map(files.flatMap(readManifest));
    this.#trusted = new Set(this.#texts.values());
    this.#policies = policies;
  }

  get size(): number {
    return this.#texts.size;
  }

  /**
   * The text that a request of this role wants executed. Throws PersistedQueryNotFoundError for a hash that is in no
   * manifest, ForbiddenError for a text that the role may not send, and BadRequestError.
   */
  textOf({ query, documentId }: Pick<Params, 'query' | 'documentId'>, role: Role): string {
    const known = documentId === null ? undefined : this.#texts.get(documentId);
    if (query === null) {
      if (known === undefined) throw new PersistedQueryNotFoundError();
      return known;
    }
    if (documentId !== null && hashOf(query) !== documentId) {
      throw new BadRequestError('The hash is not that of the document beside it.');
    }
    this.#checkText(query, role);
    return query;
  }

  /** The failure as this role is told it: names of the schema are suggested only to who may read the schema. */
  withoutSuggestions(failure: unknown, role: Role): unknown {
    if (this.#policyOf(role) === 'optional' || !(failure instanceof RequestErrors)) return failure;
    for (const error of failure.errors) error.message = error.message.replace(/ Did you mean [\s\S]*$/, '');
    return failure;
  }

  #checkText(text: string, role: Role): void {
    const policy = this.#policyOf(role);
    if (policy === 'optional' || this.#trusted.has(text)) return;
    if (policy === 'required') {
      throw new ForbiddenError(
        `The role ${role} may send only documents that were let in: send the hash of one as "documentId".`,
      );
    }
    // Also where it is part of a text or a comment, which costs nobody anything.
    if (/\b__(schema|type)\b/.test(text)) {
      throw new ForbiddenError(`The role ${role} may not read the schema by introspection.`);
    }
  }

  #policyOf(role: Role): DocumentPolicy {
    return this.#policies[role] ?? 'optional';
  }
}

function hashOf(text: string): string {
  return hash('sha256', text);
}

function readManifest(file: string): readonly (readonly [hash: string, text: string])[] {
  const fail = (problem: string) => new BadSettingsError([`TRUSTED_DOCUMENTS: ${file}: ${problem}`]);
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw fail(error instanceof SyntaxError ? 'is not JSON' : 'cannot be read');
  }
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) {
    throw fail('is not an object of texts by hash');
  }
  return Object.entries(manifest).map(([id, text]) => {
    const known = id.replace(/^sha256:/, '');
    if (typeof text !== 'string' || hashOf(text) !== known) {
      throw fail(`"${id.slice(0, 80)}" is not the SHA-256 of its text`);
    }
    return [known, text] as const;
  });
}
