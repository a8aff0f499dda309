/** What a program that started the demo reads from its standard output. URLs are the superuser's. */
export interface DemoReport {
  readonly graphqlUrl: string;
  readonly primaryUrl: string;
  readonly replicaUrls: readonly string[];
  readonly tokens: { readonly admin: string; readonly account: string };
  /** Whose calls the account token shows. */
  readonly accountId: string;
  /** Of the call explorer, where it runs. */
  readonly webUrl?: string;
}
