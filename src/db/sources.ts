import type { Catalogue } from './catalogue.ts';
import type { Source, SourceName } from './sources/model.ts';
import { sippyRequired, sippySource, sippyTables } from './sources/sippy.ts';
import { xdrsRequired, xdrsSource, xdrsTables } from './sources/xdrs.ts';

export {
  type AccountsModel,
  type CustomersModel,
  type Outcome,
  outcomes,
  type Scope,
  type Source,
  type SourceName,
  type XdrsModel,
} from './sources/model.ts';
export { outcomeOf, q850Outcomes, sippyOutcomes } from './sources/outcomes.ts';
export { sippyResults } from './sources/sippy-results.ts';

/** What a source reads, what it cannot do without, and which columns give its order. */
export interface SourceDefinition {
  readonly tables: readonly [string, ...string[]];
  /** Of the first table: column to type. */
  readonly required: Readonly<Record<string, string>>;
  /** The key of the first table: the tie breaker of the keyset. */
  readonly key: string;
  /** The catalogue must have the first table and its required columns. */
  create(catalogue: Catalogue): Source;
}

export const sourceDefinitions: Readonly<Record<SourceName, SourceDefinition>> = {
  xdrs: { tables: xdrsTables, required: xdrsRequired, key: 'i_xdr', create: xdrsSource },
  sippy: { tables: sippyTables, required: sippyRequired, key: 'i_cdr', create: sippySource },
};
