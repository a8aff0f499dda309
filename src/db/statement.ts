import {
  type AliasedRawBuilder,
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
} from 'kysely';
import { idsOfScope, idsPerRelation, type Scope, scopeIds, shapeOfScope } from './scope.ts';
import type { ScopedRelation, Source } from './sources/sources.ts';

/** What is filled into the places of a statement when it is executed, by the symbols that stand for them in its SQL. */
export type SlotValues = ReadonlyMap<symbol, unknown>;

const NO_VALUES: SlotValues = new Map();

/** A text with all its values, as it may be sent. */
export interface BoundStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** From what and for whom a statement is built. */
export interface StatementDeps {
  readonly source: Source;
  readonly scope: Scope;
}

/** Compiles queries. It knows no table: there is nothing to select from but what a source offers within a scope. */
const queries = new Kysely<Record<never, never>>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** In the text of a statement over rows that it is given: something to read from that is neither them nor a query over them. */
const READS_OTHERS = /(?<!\bdistinct )\b(?:from|join)\s+(?!\(|pg_catalog\.)/i;

/** In the text of a statement about the server: something to read from that is not PostgreSQL's, or a table of ours by name. */
const READS_TABLE = /\b(?:from|join)\s+(?!pg_)|(?<!\bas )\b(?:xdrs|cdrs|calls|accounts|customers)\b(?!"?\.)/i;

const NO_COLUMNS: ReadonlySet<string> = new Set();

/**
 * With the name as a comment behind the first word, where PostgreSQL's log and pg_stat_statements keep it: from version 18 on
 * the latter leaves out what stands before a statement.
 */
const named = (name: string, sql: string) => sql.replace(/^\s*\w+/, `$& /* ${name} */`);

/** The columns of relations that a query names, each with its relation, as all of ours do. */
function columnsNamedBy(query: Compilable<unknown>): ReadonlySet<string> {
  return new Set([...query.compile().sql.matchAll(/\w"?\."?(\w+)/g)].map(([, name]) => name!));
}

/** What a statement reads from. Each relation that is opened has the predicate of the scope. */
class Relations {
  readonly #deps: StatementDeps;
  /** The columns that they have; undefined: all. */
  readonly #only: ReadonlySet<string> | undefined;
  opened = 0;

  constructor(deps: StatementDeps, only?: ReadonlySet<string>) {
    this.#deps = deps;
    this.#only = only;
  }

  get source(): Source {
    return this.#deps.source;
  }

  get scope(): Scope {
    return this.#deps.scope;
  }

  /** The calls in scope, as the relation `xdrs`. */
  cdrs() {
    return queries.selectFrom(this.open(this.#deps.source.cdrs));
  }

  /** The rows in scope of another relation of the source, to select from. */
  open<Model, Alias extends string>(relation: ScopedRelation<Model, Alias>): AliasedRawBuilder<Model, Alias> {
    this.opened++;
    return relation(this.#deps.scope, this.#only);
  }

  /** A query over what was opened, or over other queries. */
  readonly selectFrom = queries.selectFrom.bind(queries);
}

export type { Relations };

/**
 * SQL that is compiled once and may be executed often. Its text can be had through `bind` alone, which is told the scope
 * of the execution: a text that was built for another kind of scope is not sent, and the ids in it are those of this
 * scope. The order of the values is known here and nowhere else.
 */
export class Statement<Row> {
  /** Only for the compiler: what the rows are. */
  declare readonly row: Row;
  readonly name: string;
  readonly #text: string;
  /** Values, and symbols in the places of those that are filled in later. */
  readonly #parameters: readonly unknown[];
  /** Of the scope it was built for; null: it reads nothing that has an owner. */
  readonly #shape: string | null;

  private constructor(name: string, text: string, parameters: readonly unknown[], shape: string | null) {
    this.name = name;
    this.#text = text;
    this.#parameters = parameters;
    this.#shape = shape;
  }

  /**
   * Compiles the query that `build` makes of the relations. The name is in the text, so that a slow statement in
   * PostgreSQL's log points at a line of code. Throws UnscopedStatementError unless each relation has the
   * predicate of the scope. Of a statement that is kept the relations have no columns but those that the query names:
   * PostgreSQL looks at each one that is offered, whenever it is not prepared; to find them takes a second compilation.
   */
  static build<Row>(
    deps: StatementDeps,
    name: string,
    build: (relations: Relations) => Compilable<Row>,
    { isKept = false } = {},
  ): Statement<Row> {
    const relations = new Relations(
      deps,
      isKept ? columnsNamedBy(build(new Relations(deps, NO_COLUMNS))) : undefined,
    );
    const { sql, parameters } = build(relations).compile();
    const predicates = parameters.filter((parameter) => parameter === scopeIds).length;
    if (relations.opened === 0 || predicates !== relations.opened * idsPerRelation(deps.scope)) {
      throw new UnscopedStatementError(name);
    }
    return new Statement(name, named(name, sql), parameters, shapeOfScope(deps.scope));
  }

  /** A statement about the server itself: its catalogues and functions, and no table. */
  static ofServer<Row>(name: string, query: RawBuilder<Row>): Statement<Row> {
    const { sql, parameters } = query.compile(queries);
    if (READS_TABLE.test(sql)) throw new UnscopedStatementError(name);
    return new Statement(name, named(name, sql), parameters, null);
  }

  /**
   * A statement over rows that are given with it, which PostgreSQL works out and nothing else: `build` must open no relation.
   * Throws UnscopedStatementError when it reads anything.
   */
  static overRows<Row>(
    deps: StatementDeps,
    name: string,
    build: (relations: Relations) => Compilable<Row>,
  ): Statement<Row> {
    const relations = new Relations(deps);
    const { sql, parameters } = build(relations).compile();
    if (relations.opened > 0 || READS_OTHERS.test(sql)) throw new UnscopedStatementError(name);
    return new Statement(name, named(name, sql), parameters, null);
  }

  /** What PostgreSQL would do to execute it. */
  explained<Plan>(): Statement<Plan> {
    return new Statement(this.name, `explain (format json) ${this.#text}`, this.#parameters, this.#shape);
  }

  /** Characters of the text. */
  get length(): number {
    return this.#text.length;
  }

  /** Throws ScopeMismatchError when it was built for a scope of another kind. */
  bind(scope: Scope, values: SlotValues = NO_VALUES): BoundStatement {
    const shape = shapeOfScope(scope);
    if (this.#shape !== null && this.#shape !== shape) {
      throw new ScopeMismatchError(this.name, this.#shape, shape);
    }
    return {
      text: this.#text,
      values: this.#parameters.map((parameter) => {
        if (typeof parameter !== 'symbol') return parameter;
        if (parameter === scopeIds) return idsOfScope(scope);
        if (!values.has(parameter)) throw new Error(`${this.name}: no value for ${String(parameter)}.`);
        return values.get(parameter);
      }),
    };
  }
}

/** A statement reads something without the predicate of its scope. A fault of ours: it is never sent. */
export class UnscopedStatementError extends Error {
  constructor(name: string) {
    super(`The statement ${name} reads a relation without the predicate of its scope.`);
  }
}

/** A statement was about to be executed for a scope that it was not built for. A fault of ours: it is never sent. */
export class ScopeMismatchError extends Error {
  constructor(name: string, built: string, executed: string) {
    super(`The statement ${name} is for a scope of ${built}, not of ${executed}.`);
  }
}
