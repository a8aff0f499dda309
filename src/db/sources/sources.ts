import type { Catalogue } from '../catalogue/catalogue.ts';
import { keysetIndexes, numberIndexes, type WantedIndex } from '../catalogue/catalogue-indexes.ts';
import type { Source, SourceName } from './model.ts';
import { sippyRequired, sippySource } from './sippy.ts';
import { sippyTables } from './sippy-parts.ts';
import { xdrsRequired, xdrsSource, xdrsTables } from './xdrs.ts';

export {
  type AccountsModel,
  type CustomersModel,
  type Outcome,
  outcomes,
  type ScopedRelation,
  type Source,
  type SourceName,
  type XdrsModel,
} from './model.ts';
export { outcomeOf, q850Outcomes, sippyOutcomes } from './outcomes.ts';
export { sippyResults } from './sippy-results.ts';

/** What a source reads, and what it cannot do without. */
export interface SourceDefinition {
  readonly tables: readonly [string, ...string[]];
  /** The column of the first table that tells one call from another. */
  readonly key: string;
  /** Of the first table: column to type. */
  readonly required: Readonly<Record<string, string>>;
  /** Without these, statements read a whole table. */
  readonly indexes: readonly WantedIndex[];
  /** The catalogue must have the first table and its required columns. */
  create(catalogue: Catalogue): Source;
}

export const sourceDefinitions: Readonly<Record<SourceName, SourceDefinition>> = {
  xdrs: {
    tables: xdrsTables,
    key: 'i_xdr',
    required: xdrsRequired,
    indexes: [
      ...keysetIndexes('xdrs', 'i_xdr'),
      ...numberIndexes('xdrs', ['cld', 'cli', 'cld_in', 'cli_in'], ['connect_time', 'i_xdr']),
    ],
    create: xdrsSource,
  },
  sippy: {
    tables: sippyTables,
    key: 'i_cdr',
    required: sippyRequired,
    indexes: [
      ...keysetIndexes('cdrs', 'i_cdr'),
      {
        table: 'calls',
        equal: ['i_call'],
        ordered: [],
        because: 'every page reads the whole table of numbers',
      },
      {
        table: 'cdrs',
        equal: ['i_call'],
        ordered: [],
        because: 'calls to a number are found by reading all of them',
      },
      ...numberIndexes('cdrs', ['cld_in', 'cli_in'], ['connect_time', 'i_cdr']),
      ...numberIndexes('calls', ['cld', 'cli'], []),
    ],
    create: sippySource,
  },
};
