import { sql } from 'kysely';
import { columnSql, secondsSql, type ValueSql } from './columns.ts';
import { outcomeSql, sippyOutcomes, successfulSql } from './outcomes.ts';
import type { SippyParts } from './sippy-parts.ts';
import { sippyReasonSql } from './sippy-results.ts';

/** Where a Sippy has the value of a column of the model. */
export interface SippyColumn {
  /** For docs/fields.md. */
  readonly from: string;
  /** The table and column, where the value is no more than that. */
  readonly stored?: { readonly table: 'cdrs' | 'calls'; readonly column: string };
  /** The value in the given type; null where this Sippy lacks what it is read from. */
  readonly toSql: (parts: SippyParts, type: string) => ValueSql;
}

/** A column of the record itself. */
export const inCdrs = (column: string): SippyColumn => ({
  from: `\`cdrs.${column}\``,
  stored: { table: 'cdrs', column },
  toSql: ({ cdrs }, type) => columnSql(cdrs, column, type),
});

/** A column of the call that the record belongs to: the translated numbers are there. */
export const inCalls = (column: string): SippyColumn => ({
  from: `\`calls.${column}\``,
  stored: { table: 'calls', column },
  toSql: ({ calls }, type) => columnSql(calls?.table, column, type),
});

export const sippyCustomer: SippyColumn = {
  from: '`cdrs.i_customer`, or else `accounts.i_customer`',
  toSql: ({ cdrs, owner }, type) => columnSql(cdrs, 'i_customer', type) ?? owner?.customer ?? null,
};

export const sippyCountry: SippyColumn = {
  from: '`countries.name` of the destination of `cdrs.prefix`, or else a country code',
  toSql: ({ cdrs, destination }, type) => destination?.country ?? columnSql(cdrs, 'country_iso', type),
};

export const sippyRegion: SippyColumn = {
  from: '`cdrs.area_name`, or else `destinations.description` of `cdrs.prefix`',
  toSql({ cdrs, destination }, type) {
    const area = columnSql(cdrs, 'area_name', type);
    const region = destination?.region ?? null;
    return area && region ? sql`coalesce(${area}, ${region})` : (area ?? region);
  },
};

export const sippyReason: SippyColumn = {
  from: 'the words for `cdrs.result`',
  toSql: () => sippyReasonSql(sql`cdrs.result`),
};

/** A result beyond its type is as none. */
const resultOf = ({ cdrs }: SippyParts) => columnSql(cdrs, 'result', 'integer') ?? sql`null::integer`;
const secondsOf = ({ cdrs }: SippyParts) => secondsSql(cdrs, 'duration');

export const sippyOutcome: SippyColumn = {
  from: 'worked out from `cdrs.result` and `cdrs.duration`',
  toSql: (parts) => outcomeSql(sippyOutcomes, resultOf(parts), secondsOf(parts)),
};

/** Whether the switch calls the attempt a success. */
export const sippySuccessful = (parts: SippyParts) =>
  successfulSql(sippyOutcomes, resultOf(parts), secondsOf(parts));
