/**
 * The gateway as one writes it at first: Yoga, Pothos, a pool, and a resolver that returns rows. It selects only the
 * columns it needs, and answers a plain list.
 */
import { createServer } from 'node:http';
import SchemaBuilder from '@pothos/core';
import { DateTimeResolver } from 'graphql-scalars';
import { createYoga } from 'graphql-yoga';
import pg from 'pg';
import { columns } from './columns.js';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const list = columns.map(([, column]) => column).join(', ');

const builder = new SchemaBuilder({});
builder.addScalarType('DateTime', DateTimeResolver);

const Cdr = builder.objectRef('Cdr').implement({
  fields: (t) =>
    Object.fromEntries(
      columns.map(([name, column, type]) => [name, t.expose(column, { type, nullable: true })]),
    ),
});

builder.queryType({
  fields: (t) => ({
    cdrs: t.field({
      type: [Cdr],
      args: { first: t.arg.int({ required: true }), accountId: t.arg.id() },
      resolve: async (_root, { first, accountId }) => {
        const where = accountId == null ? '' : 'where i_account = $2 ';
        const text = `select ${list} from xdrs ${where}order by connect_time desc, i_xdr desc limit $1`;
        const { rows } = await pool.query(text, accountId == null ? [first] : [first, accountId]);
        return rows;
      },
    }),
  }),
});

const yoga = createYoga({ schema: builder.toSchema(), graphiql: false, landingPage: false, logging: false });
createServer(yoga).listen(Number(process.env.PORT), '127.0.0.1');
