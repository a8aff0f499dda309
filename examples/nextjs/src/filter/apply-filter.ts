import { type CellFilter, excludable } from '../table/cell-filter.ts';
import type { PageQuery } from './page-query.ts';

/** The change that makes a value of a call the filter, adds it to one, or takes it out again when it is there already. */
export function applyFilter(
  query: PageQuery,
  { part, value }: CellFilter,
  isExcluded: boolean,
): Partial<PageQuery> {
  if (part === 'cli' || part === 'cld' || part === 'ip' || part === 'callId') return { [part]: value };
  const typed = part === 'cause' ? Number(value) : value;
  const wanted: readonly (string | number)[] = query[part];
  if (part === 'customer') return { [part]: toggled(query[part], value) };
  const not = excludable[part];
  const unwanted: readonly (string | number)[] = query[not];
  const without = (list: readonly (string | number)[]) => list.filter((other) => other !== typed);
  return isExcluded
    ? { [part]: without(wanted), [not]: toggled(unwanted, typed) }
    : { [part]: toggled(wanted, typed), [not]: without(unwanted) };
}

/** Neither wanted nor left out. */
export function unfilter(part: keyof typeof excludable): Partial<PageQuery> {
  return { [part]: [], [excludable[part]]: [] };
}

function toggled<T>(list: readonly T[], value: T): T[] {
  return list.includes(value) ? list.filter((other) => other !== value) : [...list, value];
}
