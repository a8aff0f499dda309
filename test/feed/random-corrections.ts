import type { Pool } from 'pg';
import type { RandomSource } from './soak-random.ts';

/**
 * Corrects, moves and deletes these calls, in transactions of several sessions, some of which are rolled back. `reuses`: keys of
 * calls that were deleted are given to others.
 */
export async function writeAtRandom(
  pool: Pool,
  random: RandomSource,
  { ids, reuses }: { readonly ids: readonly string[]; readonly reuses: boolean },
): Promise<void> {
  const write = reuses ? INSERT_OR_CORRECT : CORRECT;
  await Promise.all([0, 1, 2].map((index) => writeInSession(pool, random.fork(index), { ids, write })));
}

const CORRECT = 'update xdrs set cld = $3 where i_xdr = $1 and $2::int8 > 0';
const INSERT_OR_CORRECT = `insert into xdrs (i_xdr, i_account, connect_time, cld) values ($1, $2, now(), $3)
  on conflict (i_xdr) do update set cld = excluded.cld`;

async function writeInSession(
  pool: Pool,
  random: RandomSource,
  { ids, write }: { readonly ids: readonly string[]; readonly write: string },
): Promise<void> {
  const session = await pool.connect();
  for (let count = 0; count < 40; count++) {
    await session.query('begin');
    // In one order, so that no two wait for one another.
    const chosen = [...new Set([random.pick(ids), random.pick(ids)])].sort();
    for (const id of chosen) {
      const account = random.pick(['14', '15']);
      if (random.chance(0.2)) await session.query('delete from xdrs where i_xdr = $1', [id]);
      else if (random.chance(0.5)) {
        await session.query('update xdrs set i_account = $2 where i_xdr = $1', [id, account]);
      } else {
        await session.query(write, [id, account, String(Math.floor(random.between(0, 1e9)))]);
      }
    }
    await session.query(random.chance(0.2) ? 'rollback' : 'commit');
  }
  session.release();
}
