import pg from 'pg';

export async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {}); // It may be ended with its server.
  await client.connect();
  return client;
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

export function asGateway(url: string, password: string): string {
  const changed = new URL(url);
  changed.username = 'gateway';
  changed.password = password;
  return changed.href;
}
