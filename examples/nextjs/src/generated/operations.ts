import type * as types from './graphql.ts';

/** An operation by the hash of its text, with what it takes and gives. */
export type Operation<Result, Variables> = string & { readonly __of?: (variables: Variables) => Result };

export const accountNames = 'sha256:e5777a45b231865c3ed963d6a8e5a9772859c0e56c7f5366703f6c18ca6f420d' as Operation<types.AccountNamesQuery, types.AccountNamesQueryVariables>;
export const callContext = 'sha256:0c71d3ab59523102bfb81f4c287cb05c55053829d6488148af0e2ae3aff4d587' as Operation<types.CallContextQuery, types.CallContextQueryVariables>;
export const callDetail = 'sha256:37902f2bf7fe5906784581eb7e96e25bf1ef4bb62fbaffcb98d3bce3b3c488cb' as Operation<types.CallDetailQuery, types.CallDetailQueryVariables>;
export const callExport = 'sha256:5971fbc0bc75499bf8352f582e80dcc4160aaf7d1fcd2920fb55655785fa9984' as Operation<types.CallExportQuery, types.CallExportQueryVariables>;
export const callPage = 'sha256:4912b8a9e21907ac20bf80ba3c25444ef5e2f1035175e217b3eeb741624ac844' as Operation<types.CallPageQuery, types.CallPageQueryVariables>;
export const callStream = 'sha256:1afbd9f80592a49d9cde8385ed14d0e4c7d0b52b9f7a7fb11dc5c6e5c32b5460' as Operation<types.CallStreamQuery, types.CallStreamQueryVariables>;
export const carriers = 'sha256:bec68824385b76dbf46f94a1213aeda06ce8493cc9ba9f2c1d87784b0d039dc3' as Operation<types.CarriersQuery, types.CarriersQueryVariables>;
export const facet = 'sha256:10d58c8767fcc8cdb2784542c4e678f911842a0c73901c07c4c33ce8fd0a19c8' as Operation<types.FacetQuery, types.FacetQueryVariables>;
export const freshness = 'sha256:8af9aaddd272b050eed5eefff917c62ee0ad30f2306a54e7bbb007502fd68c30' as Operation<types.FreshnessQuery, types.FreshnessQueryVariables>;
export const groups = 'sha256:7e59f0fbaa968912c7e20076c38f9a4b402d845eef7068d7628a577f1e533ac1' as Operation<types.GroupsQuery, types.GroupsQueryVariables>;
export const histogram = 'sha256:41c171794895fd2593d28a6327cb1203fc3eff64a4715d8034126d2ed78d78b0' as Operation<types.HistogramQuery, types.HistogramQueryVariables>;
export const histogramSlices = 'sha256:c286167129c1e240667cd1b8931ba22d3c600cf5e74f847e8bf56187b9a24c70' as Operation<types.HistogramSlicesQuery, types.HistogramSlicesQueryVariables>;
export const tiles = 'sha256:abc0831535df34b4ebe089a2b7d8534af1e8f85cfc367075ab8a4b1b8eff032e' as Operation<types.TilesQuery, types.TilesQueryVariables>;
export const viewer = 'sha256:b4f0d67e23c71247ddc7c402e5162e93aba58fc38d690e84ba490c46025665cc' as Operation<types.ViewerQuery, types.ViewerQueryVariables>;
