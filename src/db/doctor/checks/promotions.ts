import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { checkServers, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface TimelineHistory {
  readonly quoted: string;
  readonly exists: boolean;
  readonly mayUseSchema: boolean;
  readonly mayExecute: boolean;
}

const COST =
  'A gateway that is started after a promotion refuses tokens and cursors of before with POSITION_LOST, lost or not.';

/** Whether positions survive a promotion. Functions and rights are the same everywhere: one server will do. */
export const promotionsCheck = checkServers(
  'promotions',
  ({ servers }) => servers.filter(({ namedBy }) => namedBy === 'REPLICA_URLS').slice(0, 1),
  async (server) => {
    const history = await selectTimelineHistory(server);
    return present([history.exists ? closed(server, history) : missing(server)]);
  },
);

async function selectTimelineHistory({ db }: Server): Promise<TimelineHistory> {
  const [history] = await selectJson<TimelineHistory>(
    db,
    sql`
    select quote_ident(current_user) as quoted, pg_proc.oid is not null as exists,
      coalesce(has_schema_privilege(pg_namespace.oid, 'usage'), false) as "mayUseSchema",
      coalesce(has_function_privilege(pg_proc.oid, 'execute'), false) as "mayExecute"
    from (select) as one
    left join pg_namespace on nspname = 'cdr_gateway'
    left join pg_proc on pronamespace = pg_namespace.oid and proname = 'timeline_history'`,
  );
  return history!;
}

function missing({ place }: Server): Finding {
  return {
    code: 'TIMELINE_HISTORY_MISSING',
    severity: 'warning',
    server: place,
    message: `There is no function cdr_gateway.timeline_history(), which a superuser has to make. ${COST}`,
    remedy: { on: 'primary', run: 'npm run migrate -- up (as a superuser)' },
  };
}

function closed(
  { place }: Server,
  { quoted, mayUseSchema, mayExecute }: TimelineHistory,
): Finding | undefined {
  if (mayUseSchema && mayExecute) return undefined;
  const grants = present([
    !mayUseSchema && `grant usage on schema cdr_gateway to ${quoted};`,
    !mayExecute && `grant execute on function cdr_gateway.timeline_history() to ${quoted};`,
  ]);
  return {
    code: 'TIMELINE_HISTORY_CLOSED',
    severity: 'warning',
    server: place,
    message: `Role ${quoted} may not execute cdr_gateway.timeline_history(). ${COST}`,
    remedy: { on: 'primary', run: grants.join(' ') },
  };
}
