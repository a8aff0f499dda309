import type * as types from './graphql.ts';

/** An operation by the hash of its text, with what it takes and gives. */
export type Operation<Result, Variables> = string & { readonly __of?: (variables: Variables) => Result };

export const accountNames = 'sha256:e4e8f0e173fd49aade02d09772a386d03df7193f3a8182acd0e320aadd307d5c' as Operation<types.AccountNamesQuery, types.AccountNamesQueryVariables>;
export const callContext = 'sha256:7a09106e190e179a2876e6eb6ea49f7b9939ceb0cb2dd53818b466cb898353ee' as Operation<types.CallContextQuery, types.CallContextQueryVariables>;
export const callDetail = 'sha256:bf7c62bbee1e7fa05c2542932d2c677341c4794b2563602a0e99a74da144752a' as Operation<types.CallDetailQuery, types.CallDetailQueryVariables>;
export const callExport = 'sha256:80ca32157c5f8fa85af9b1dabbfad6e22f286df1977dc0fe7c3ff5e07253c62d' as Operation<types.CallExportQuery, types.CallExportQueryVariables>;
export const callPage = 'sha256:9718b550b91a871fddfeb80257d2c7e9542e03acd16b899021ce3bfb089b1581' as Operation<types.CallPageQuery, types.CallPageQueryVariables>;
export const callStream = 'sha256:69680b8f00addde39eedcd0e4ff8cdbe04afa21f1f8e9c39a66290fe510caf77' as Operation<types.CallStreamQuery, types.CallStreamQueryVariables>;
export const carriers = 'sha256:bec68824385b76dbf46f94a1213aeda06ce8493cc9ba9f2c1d87784b0d039dc3' as Operation<types.CarriersQuery, types.CarriersQueryVariables>;
export const facet = 'sha256:98565cc1324a36306af171d5bd955c104d3d1b635ef1f9e15c9272654839b06e' as Operation<types.FacetQuery, types.FacetQueryVariables>;
export const freshness = 'sha256:e82ab01f9a5fbc6f9aa3206b2c53b501b4fe1697268a5d789bbce0ed36f76ab9' as Operation<types.FreshnessQuery, types.FreshnessQueryVariables>;
export const groups = 'sha256:b9cb09b89d6ade3b26c257b8a0144a828a2afea5fae09ac66094d0a4788fd431' as Operation<types.GroupsQuery, types.GroupsQueryVariables>;
export const histogram = 'sha256:41c171794895fd2593d28a6327cb1203fc3eff64a4715d8034126d2ed78d78b0' as Operation<types.HistogramQuery, types.HistogramQueryVariables>;
export const histogramSlices = 'sha256:c286167129c1e240667cd1b8931ba22d3c600cf5e74f847e8bf56187b9a24c70' as Operation<types.HistogramSlicesQuery, types.HistogramSlicesQueryVariables>;
export const tiles = 'sha256:be481925ce31dab34b05e325f8b386d6401a28cdc32693a7153f818df1a2184a' as Operation<types.TilesQuery, types.TilesQueryVariables>;
export const viewer = 'sha256:b4f0d67e23c71247ddc7c402e5162e93aba58fc38d690e84ba490c46025665cc' as Operation<types.ViewerQuery, types.ViewerQueryVariables>;
