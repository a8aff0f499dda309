/** The calls of a document that selects `edges { cursor node { … } }`; null where the gateway may null them is left out. */
export type NodeOf<Result> = NonNullable<EdgeOf<Result>['node']>;

type EdgeOf<Result> = Result[keyof Result] extends infer Root
  ? Root extends { readonly edges: readonly (infer Edge)[] }
    ? Extract<Edge, { readonly cursor: string; readonly node: unknown }>
    : never
  : never;

/** What a stream takes beside its `first` and `after`, which are then calls in all and where to begin. */
export type ListVariables<Variables> = Omit<Variables, 'first' | 'after'> & {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
};

/** Holds for a document whose list can be taken up again where it broke off. */
export type Resumable<Result, Variables> = [EdgeOf<Result>] extends [never]
  ? { readonly 'select edges { cursor node { … } } to stream calls': never }
  : 'first' | 'after' extends keyof Variables
    ? unknown
    : { readonly 'declare the variables $first: Int and $after: String to stream calls': never };
