// Written by "npm run model" from the migrated database. Change the migrations, not this file.

import type { ColumnType } from "kysely";

export type ArrayType<T> = ArrayTypeImpl<T> extends (infer U)[]
  ? U[]
  : ArrayTypeImpl<T>;

export type ArrayTypeImpl<T> = T extends ColumnType<infer S, infer I, infer U>
  ? ColumnType<S[], I[], U[]>
  : T[];

export type Generated<T> = T extends ColumnType<infer S, infer I, infer U>
  ? ColumnType<S, I | undefined, U>
  : ColumnType<T, T | undefined, T>;

export interface Accounts {
  blocked: Generated<boolean>;
  currency: string | null;
  i_account: string;
  i_customer: string | null;
  time_zone: string | null;
  username: string;
}

export interface CdrGatewayApiKeys {
  created_at: Generated<string>;
  digest: Buffer;
  expires_at: string | null;
  id: string;
  max_page: number | null;
  name: string;
  networks: Generated<string[]>;
  revoked_at: string | null;
  role: string;
  scope: string;
  scope_ids: Generated<ArrayType<string>>;
}

export interface Customers {
  i_customer: string;
  name: string;
}

export interface Xdrs {
  call_id: string | null;
  charged_amount: Generated<string>;
  charged_quantity: number | null;
  cld: string | null;
  cld_in: string | null;
  cli: string | null;
  cli_in: string | null;
  connect_time: string;
  country: string | null;
  disconnect_cause: number | null;
  disconnect_reason: string | null;
  disconnect_time: string | null;
  duration: Generated<string>;
  i_account: string;
  i_customer: string | null;
  i_protocol: number | null;
  i_xdr: Generated<string>;
  p_asserted_id: string | null;
  pdd: string | null;
  post_call_surcharge: string | null;
  prefix: string | null;
  region: string | null;
  release_source: string | null;
  remote_ip: string | null;
  setup_time: string | null;
  user_agent: string | null;
}

export interface DB {
  accounts: Accounts;
  "cdr_gateway.api_keys": CdrGatewayApiKeys;
  customers: Customers;
  xdrs: Xdrs;
}
