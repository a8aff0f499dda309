import { selectReplayedLsn } from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import type { Replayed } from '../replicas/replayed.ts';
import type { Replica } from '../replicas/replicas.ts';

const BEGIN = 'begin transaction isolation level repeatable read, read only';

/** What is read here is of one moment. */
export interface Snapshot {
  readonly reader: Reader;
  /** Everything that had committed before is seen. */
  readonly from: Replayed;
  /** How far the standby has replayed by now: further than what is seen, or as far. */
  replayed(): Promise<Replayed>;
}

/** Reads on one connection of the standby, within one transaction. */
export async function withSnapshot<Result>(
  replica: Replica,
  reader: Reader,
  read: (snapshot: Snapshot) => Promise<Result>,
): Promise<Result> {
  const from = replica.parseReplayed(await selectReplayedLsn(reader));
  const client = await replica.pool.connect();
  const giveBack = client.release.bind(client);
  // Whoever reads gives it back after each statement.
  client.release = () => {};
  const within: Reader = { ...reader, pool: { connect: async () => client } };
  const replayed = async () => replica.parseReplayed(await selectReplayedLsn(within));
  try {
    await client.query(BEGIN);
    // The first statement takes the snapshot.
    await replayed();
    const result = await read({ reader: within, from, replayed });
    await client.query('commit');
    giveBack();
    return result;
  } catch (error) {
    // Whatever has become of it, it ends with the connection.
    giveBack(true);
    throw error;
  }
}
