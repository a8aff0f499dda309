import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FreshPair, type Host, hasPostgres } from './fresh-pair.ts';

describe.skipIf(!hasPostgres)('roles that are exchanged', () => {
  let pair: FreshPair;
  let [first, second]: [Host, Host] = [] as unknown as [Host, Host];
  const calls = async (host: Host) =>
    (await pair.sql('select count(*)::int as calls from xdrs', host, 'sippy'))[0]!.calls;
  const write = (host: Host, id: number) =>
    pair.sql(`insert into xdrs (i_xdr, i_account, connect_time) values (${id}, 1, now())`, host, 'sippy');

  beforeAll(async () => {
    const site = await FreshPair.withStandby();
    [pair, first, second] = [site.pair, site.pair.primary, site.standby];
  });
  afterAll(() => pair?.[Symbol.asyncDispose]());

  /** As planned: the old primary is shut down first, which sends its standby the last of its WAL. */
  async function exchange(from: Host, to: Host): Promise<void> {
    pair.stop(from);
    await pair.sql('select pg_promote()', to);
    await pair.demote(from);
  }

  test('a primary that was shut down first comes back as a standby, by setup alone, and so does the other', async () => {
    await exchange(first, second);
    await write(second, 900_001);
    expect(await pair.setupReplica(first, '--apply')).toMatchObject({
      exitCode: 0,
      steps: expect.arrayContaining([
        expect.stringMatching(/^Make the slot db_1 on /),
        'Start it, and wait until it streams',
      ]),
    });
    expect(await calls(first)).toBe(2001);

    await exchange(second, first);
    await write(first, 900_002);
    expect(await pair.setupReplica(second, '--apply')).toMatchObject({ exitCode: 0 });
    expect(await calls(second)).toBe(2002);
    // The first slot of all kept what the second server needed; what is left of the exchange keeps WAL.
    expect(await pair.setupReplica(second)).toMatchObject({ exitCode: 0, steps: [] });
  });

  test('one that wrote what the other never had does not', async () => {
    pair.stop(second);
    await write(first, 900_003);
    pair.stop(first);
    pair.start(second);
    await pair.sql('select pg_promote()', second);
    await pair.demote(first);

    expect(await pair.setupReplica(first, '--apply')).toMatchObject({
      exitCode: 2,
      text: expect.stringMatching(
        /^\S+db-1 has WAL that 127\.0\.0\.1:\d+ never had: rewind it \(pg_rewind\) or clone it anew\.$/,
      ),
    });
  });
});
