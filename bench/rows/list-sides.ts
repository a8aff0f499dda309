import { callsSql } from '../calls.ts';
import type { Side } from '../interleave.ts';
import type { Line } from '../line.ts';
import { type MeasuredRun, runCopy, runRequest } from '../measured-run.ts';
import { type PeerName, peerTitles } from '../peers.ts';
import { type GatewayList, gatewayList, type ListRequest, peerList } from '../requests.ts';
import { SideMissingError, type Stage } from '../stage.ts';
import { verifyCount, verifyList } from '../verify.ts';

/** The names of the sides of a list, as results are kept under them. */
export const GATEWAY = 'gateway';
export const COPY = 'psql COPY';

/** Lists up to this size are compared value by value, longer ones are counted. */
const MAX_COMPARED = 100_000;
/** How a call begins in our JSON. */
const FIRST_FIELD = '{"id":"';

/** The gateway, once its answer has been found right. */
export async function gatewaySide(stage: Stage, list: ListRequest): Promise<Side<MeasuredRun>> {
  const { endpoint, process } = await stage.gateway();
  const { first } = list;
  const request = gatewayList(endpoint, withFilter(list));
  if (first <= MAX_COMPARED) {
    await verifyList('The gateway', request, { ...list, database: stage.database });
  } else {
    await verifyCount('The gateway', request, { mark: FIRST_FIELD, expected: first });
  }
  return { name: GATEWAY, run: () => runRequest(stage, process.pid, request) };
}

/** The list as the gateway takes it. */
export function withFilter({ first, accountId }: ListRequest): GatewayList {
  return { first, ...(accountId !== undefined && { filter: { accountIds: [accountId] } }) };
}

/** Throws SideMissingError without psql. */
export function copySide(
  stage: Stage,
  { first, accountId }: ListRequest,
  format: 'text' | 'csv' = 'text',
): Side<MeasuredRun> {
  stage.psql();
  return { name: COPY, run: () => runCopy(stage, callsSql(first, accountId), format) };
}

/** Throws SideMissingError without its packages. */
export async function peerSide(stage: Stage, name: PeerName, list: ListRequest): Promise<Side<MeasuredRun>> {
  const { endpoint, process } = await stage.peer(name);
  const request = peerList[name](endpoint, list);
  // The naive server's times are JavaScript dates, which have no microseconds.
  const precision = name === 'naive' ? 'millis' : 'micros';
  await verifyList(peerTitles[name], request, { ...list, database: stage.database }, precision);
  return { name: peerTitles[name], run: () => runRequest(stage, process.pid, request) };
}

/** The side, or why it is missing. */
export async function orMissing<T>(make: () => T | Promise<T>): Promise<T | SideMissingError> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof SideMissingError) return error;
    throw error;
  }
}

/** The line of a comparison that could not be made. */
export function missing(title: string, target: string, { message }: SideMissingError): Line {
  return { title, target, measured: '', verdict: 'not run', notes: [message] };
}
