import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import type { Carrier, CarrierSource } from '../../src/numbering/carrier.ts';
import { createSampleHistory } from '../../src/replicas/sample-history.ts';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { callerPrincipals } from './callers.ts';
import { ids } from './generated-questions.ts';

/** In the middle of every number of a call, and nowhere else. */
export const SECRET = '5550123';

/** What stands in what is somebody else's, and nowhere else. */
export const foreignMarks: readonly string[] = ['foreign', '198.51.100.99', '77.777777', `8888${SECRET}`];

/** Milliseconds since 1970: when the calls were. Grafana offers the values of the last days. */
export const callsAt = Date.now() - 3_600_000;
const at = (seconds: number) => new Date(callsAt + seconds * 1000).toISOString();

const number = (start: string) => `${start}${SECRET}78`;
const numbersOf = (...[cli, cld, cli_in, cld_in, p_asserted_id]: readonly string[]) => ({
  ...{ cli: number(cli!), cld: number(cld!), cli_in: number(cli_in!), cld_in: number(cld_in!) },
  p_asserted_id: number(p_asserted_id!),
});
const times = (seconds: number) => ({
  setup_time: at(seconds - 8),
  connect_time: at(seconds),
  disconnect_time: at(seconds + 60),
});

/** A call of which every field has a value. */
export const anOwnXdr = (i_xdr: string, seconds: number) =>
  anXdr({
    i_xdr,
    ...times(seconds),
    ...numbersOf('3361', '4470', '3316', '0033', '3399'),
    user_agent: 'Example/1',
  });

export const aForeignXdr = (i_xdr: string, seconds: number) =>
  anXdr({
    ...{ i_xdr, i_account: ids.foreign.Account, i_customer: ids.foreign.Customer },
    ...times(seconds),
    ...numbersOf('8888', '8888', '8888', '8888', '8888'),
    ...{ call_id: 'foreign', disconnect_reason: 'foreign', prefix: 'foreign', country: 'foreign' },
    ...{ region: 'foreign', release_source: 'foreign', user_agent: 'foreign', remote_ip: '198.51.100.99' },
    ...{ disconnect_cause: 34, duration: '0', charged_amount: '77.777777' },
  });

const carrier: Carrier = {
  blockHolder: 'Example Mobile',
  blockHolderCode: 'EXMO',
  territory: 'National',
  country: 'GB',
  lineKind: 'MOBILE',
  prefix: '4470',
};

/** Knows whole numbers, and nothing of masked ones. */
const carriers: CarrierSource = {
  lookUp: async (numbers) => numbers.map((text) => (/^\d{13}$/.test(text) ? carrier : null)),
};

export interface MatrixSite extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly gateway: TestGateway;
}

/** Calls of an account and of another one, and a gateway over a standby that answers and one that does not. */
export async function openMatrixSite(): Promise<MatrixSite> {
  const database = await createTestDatabase();
  await migrateToLatest(database.primaryUrl, { optional: ['ledger'] });
  await database.insertCustomers([
    aCustomer(),
    aCustomer({ i_customer: ids.foreign.Customer, name: 'foreign customer' }),
  ]);
  const { Account: i_account, Customer: i_customer } = ids.foreign;
  await database.insertAccounts([
    anAccount(),
    anAccount({ i_account, i_customer, username: 'foreign account' }),
  ]);
  await database.insertXdrs([anOwnXdr('1', 0), anOwnXdr('2', 1), aForeignXdr('9', 2)]);
  const history = createSampleHistory({ pollIntervalSeconds: 0.1 });
  // What cannot be reached has a reason.
  const replicaUrls = [
    `${database.replicaUrls[0]}#replica-1;zone=north`,
    'postgresql://nobody@127.0.0.1:1/nothing#replica-2;zone=south',
  ];
  const gateway = await createTestGateway(
    { replicaUrls },
    {
      principals: callerPrincipals,
      settings: { RATE_LIMIT: '100000000000', ADMIN_RATE_LIMIT: '100000000000' },
      carriers,
      history,
    },
  );
  gateway.replicas.onSample((status) => history.note(status));
  return {
    database,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
