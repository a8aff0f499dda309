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
export const facet = 'sha256:10d58c8767fcc8cdb2784542c4e678f911842a0c73901c07c4c33ce8fd0a19c8' as Operation<types.FacetQuery, types.FacetQueryVariables>;
export const freshness = 'sha256:8af9aaddd272b050eed5eefff917c62ee0ad30f2306a54e7bbb007502fd68c30' as Operation<types.FreshnessQuery, types.FreshnessQueryVariables>;
export const groups = 'sha256:1df8d2435546fd1dc0e623992ea35684f5260e91abf2bf7ec9639da7daf32eeb' as Operation<types.GroupsQuery, types.GroupsQueryVariables>;
export const histogram = 'sha256:41c171794895fd2593d28a6327cb1203fc3eff64a4715d8034126d2ed78d78b0' as Operation<types.HistogramQuery, types.HistogramQueryVariables>;
export const histogramSlices = 'sha256:c286167129c1e240667cd1b8931ba22d3c600cf5e74f847e8bf56187b9a24c70' as Operation<types.HistogramSlicesQuery, types.HistogramSlicesQueryVariables>;
export const tiles = 'sha256:ec85d2c726d3896bf50ec24eedecd482725e37be7053a7b7f37ac225948e8f30' as Operation<types.TilesQuery, types.TilesQueryVariables>;
export const viewer = 'sha256:b4f0d67e23c71247ddc7c402e5162e93aba58fc38d690e84ba490c46025665cc' as Operation<types.ViewerQuery, types.ViewerQueryVariables>;
