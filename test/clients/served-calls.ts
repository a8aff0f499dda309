import { type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import { createTestDatabase } from '../support/postgres.ts';

export const CALLS = 47;
export const PAGE = 10;

/** A gateway on a port, with calls of two accounts. Of one the number is also that of a customer. */
export interface ServedCalls extends AsyncDisposable {
  readonly gateway: ServedGateway;
  readonly token: string;
  /** Newest first, as one request for all of them is answered. */
  readonly calls: readonly { readonly id: string; readonly nodeId: string }[];
}

export async function serveCalls(): Promise<ServedCalls> {
  const database = await createTestDatabase();
  await database.insertCustomers([aCustomer(), aCustomer({ i_customer: '4', name: 'Another' })]);
  await database.insertAccounts([
    anAccount({ i_account: '3', i_customer: '4', username: 'account-three' }),
    anAccount({ i_account: '14', i_customer: '3' }),
  ]);
  await database.insertXdrs(
    Array.from({ length: CALLS }, (_, index) =>
      anXdr({
        i_xdr: String(index + 1),
        i_account: index % 3 === 0 ? '3' : '14',
        i_customer: index % 3 === 0 ? '4' : '3',
        // Several calls in the same second, so that pages end between them.
        connect_time: `2026-01-05 09:00:${String(Math.floor(index / 4)).padStart(2, '0')}+00`,
        cld: `44207${1000 + index}`,
      }),
    ),
  );
  await database.replayed();
  const gateway = await serveGateway(database);
  const { data } = await gateway.query(`{ cdrs(first: ${CALLS}) { nodes { id nodeId } } }`);
  return {
    gateway,
    token: gateway.headers.authorization!.slice('Bearer '.length),
    calls: data.cdrs.nodes,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
