import type { TypedDocument } from 'cdr-gateway-client';
import type * as types from './graphql.ts';

/** An operation by the hash of its text, with what it takes and gives. */
export type Operation<Result, Variables> = string & TypedDocument<Result, Variables>;

export const accountNames = 'sha256:e5777a45b231865c3ed963d6a8e5a9772859c0e56c7f5366703f6c18ca6f420d' as Operation<types.AccountNamesQuery, types.AccountNamesQueryVariables>;
export const callContext = 'sha256:0c71d3ab59523102bfb81f4c287cb05c55053829d6488148af0e2ae3aff4d587' as Operation<types.CallContextQuery, types.CallContextQueryVariables>;
export const callDetail = 'sha256:37902f2bf7fe5906784581eb7e96e25bf1ef4bb62fbaffcb98d3bce3b3c488cb' as Operation<types.CallDetailQuery, types.CallDetailQueryVariables>;
export const callExport = 'sha256:76294f31c0ddb6a74706795d09f0a36fa4d96dd39e235258d301b3919c892b5c' as Operation<types.CallExportQuery, types.CallExportQueryVariables>;
export const callPage = 'sha256:4912b8a9e21907ac20bf80ba3c25444ef5e2f1035175e217b3eeb741624ac844' as Operation<types.CallPageQuery, types.CallPageQueryVariables>;
export const callStream = 'sha256:7b7c6cd9131fbea5e8e2b05301d92f7513bd4e72caec9fffb2664002cf7f1a77' as Operation<types.CallStreamQuery, types.CallStreamQueryVariables>;
export const callsElsewhere = 'sha256:5982b4411ac11e664b938032bc1579ad3a90bd5149502570d40b5f2ee8900f65' as Operation<types.CallsElsewhereQuery, types.CallsElsewhereQueryVariables>;
export const carriers = 'sha256:bec68824385b76dbf46f94a1213aeda06ce8493cc9ba9f2c1d87784b0d039dc3' as Operation<types.CarriersQuery, types.CarriersQueryVariables>;
export const facet = 'sha256:10d58c8767fcc8cdb2784542c4e678f911842a0c73901c07c4c33ce8fd0a19c8' as Operation<types.FacetQuery, types.FacetQueryVariables>;
export const freshness = 'sha256:8af9aaddd272b050eed5eefff917c62ee0ad30f2306a54e7bbb007502fd68c30' as Operation<types.FreshnessQuery, types.FreshnessQueryVariables>;
export const groups = 'sha256:7e59f0fbaa968912c7e20076c38f9a4b402d845eef7068d7628a577f1e533ac1' as Operation<types.GroupsQuery, types.GroupsQueryVariables>;
export const histogram = 'sha256:41c171794895fd2593d28a6327cb1203fc3eff64a4715d8034126d2ed78d78b0' as Operation<types.HistogramQuery, types.HistogramQueryVariables>;
export const quality = 'sha256:9ca313f4fe3e26c7cffa7559b0008f7b2d6fe85da3d3394991adf0d0b092fcc3' as Operation<types.QualityQuery, types.QualityQueryVariables>;
export const qualityMap = 'sha256:abe9bfb53203d73d2522cc87b9d453a08ac18fbdee0565eea8c8e4cc8ecd19de' as Operation<types.QualityMapQuery, types.QualityMapQueryVariables>;
export const statsExport = 'sha256:6b5f48e413ee09358e06954793f52f5ad7967d264d8e7d9d97ad3adeec1e340b' as Operation<types.StatsExportQuery, types.StatsExportQueryVariables>;
export const tiles = 'sha256:2e182ca8e54e9914c8ab4e0f1bc2a3030075601b7b66505bd4158c78b5d1196d' as Operation<types.TilesQuery, types.TilesQueryVariables>;
export const viewer = 'sha256:b4f0d67e23c71247ddc7c402e5162e93aba58fc38d690e84ba490c46025665cc' as Operation<types.ViewerQuery, types.ViewerQueryVariables>;
