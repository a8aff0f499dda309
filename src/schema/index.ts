import './scalars.ts';
import './cdr-filter.ts';
import './accounts.ts';
import './carriers.ts';
import './cdrs.ts';
import './cdr-stats.ts';
import './nodes.ts';
import './replication.ts';
import './subscriptions.ts';
import './viewer.ts';
import { GraphQLDeferDirective, GraphQLStreamDirective, specifiedDirectives } from 'graphql';
import { builder } from './builder.ts';

/** The finished schema. The files above register their types by being imported. */
export const schema = builder.toSchema({
  directives: [...specifiedDirectives, GraphQLDeferDirective, GraphQLStreamDirective],
});
