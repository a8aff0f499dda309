/**
 * What HTTP, JSON and PostgreSQL cost without any GraphQL: Node's own server, one prepared statement, JSON.stringify.
 * GET /calls?account=N&first=N
 */
import { createServer } from 'node:http';
import pg from 'pg';
import { columns } from './columns.js';

/** Values stay PostgreSQL's text: nothing is parsed that would only be printed again. */
const types = { getTypeParser: () => (text) => text };
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10, types });
const text = `select ${columns.map(([name, column]) => `${column} as "${name}"`).join(', ')} from xdrs
  where i_account = $1 order by connect_time desc, i_xdr desc limit $2`;

createServer(async (request, response) => {
  const parameters = new URL(request.url, 'http://bare').searchParams;
  const values = [parameters.get('account'), parameters.get('first')];
  const { rows } = await pool.query({ name: 'calls', text, values });
  const body = JSON.stringify({ data: { cdrs: { nodes: rows } } });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}).listen(Number(process.env.PORT), '127.0.0.1');
