import type { Insertable } from 'kysely';
import type { Accounts, Customers, Xdrs } from '../../src/db/generated/model.ts';

let nextId = 1;

/** A plausible answered call of one minute. Override only what the test is about. */
export const anXdr = (overrides: Partial<Insertable<Xdrs>> = {}): Insertable<Xdrs> & { i_xdr: string } => ({
  i_account: '14',
  i_customer: '3',
  cli: '33123456789',
  cld: '442071838750',
  cli_in: '33123456789',
  cld_in: '00442071838750',
  setup_time: '2026-01-05 08:59:52+00',
  connect_time: '2026-01-05 09:00:00+00',
  disconnect_time: '2026-01-05 09:01:00+00',
  duration: '60.25',
  charged_quantity: 61,
  charged_amount: '0.012500',
  post_call_surcharge: '0',
  disconnect_cause: 16,
  disconnect_reason: 'Normal call clearing',
  call_id: '6f1c2b9e-7a41@192.0.2.10',
  prefix: '4420',
  country: 'United Kingdom',
  region: 'London',
  remote_ip: '192.0.2.10',
  pdd: '1.84',
  release_source: 'callee',
  user_agent: null,
  i_protocol: 1,
  p_asserted_id: '33123456000',
  ...overrides,
  i_xdr: String(overrides.i_xdr ?? nextId++),
});

/** An attempt nobody answered: nothing connected, nothing charged. */
export const aFailedXdr = (overrides: Partial<Insertable<Xdrs>> = {}) =>
  anXdr({
    disconnect_time: overrides.connect_time ?? '2026-01-05 09:00:00+00',
    duration: '0',
    charged_quantity: 0,
    charged_amount: '0',
    disconnect_cause: 17,
    disconnect_reason: 'User busy',
    ...overrides,
  });

export const anAccount = (overrides: Partial<Insertable<Accounts>> = {}): Insertable<Accounts> => ({
  i_account: '14',
  i_customer: '3',
  username: 'acme-dialler',
  currency: 'EUR',
  time_zone: 'Europe/Paris',
  blocked: false,
  ...overrides,
});

export const aCustomer = (overrides: Partial<Insertable<Customers>> = {}): Insertable<Customers> => ({
  i_customer: '3',
  name: 'Acme Telecom',
  ...overrides,
});
