import type { TypedDocument } from 'cdr-gateway-client';
import type * as types from './graphql.ts';

/** An operation by the hash of its text, with what it takes and gives. */
export type Operation<Result, Variables> = string & TypedDocument<Result, Variables>;

export const accountNames = 'sha256:1483ba2dd16368042ffa5ebb5813798d63b9147a3a0f81eb25b21b2b68947f25' as Operation<types.AccountNamesQuery, types.AccountNamesQueryVariables>;
export const callContext = 'sha256:0166340faa038646e925b29aa2c08a1b392362859da12d5246f4a4505101a521' as Operation<types.CallContextQuery, types.CallContextQueryVariables>;
export const callDetail = 'sha256:0209a7cc9c652e6ab8ca925142a9ba81b8d8ee70cfc2b39a80aca725916b8bce' as Operation<types.CallDetailQuery, types.CallDetailQueryVariables>;
export const callExport = 'sha256:c748c83bf4e5685dac6b2f7e70af3e5a3ed204f9bff590f1767d4ab000bc049d' as Operation<types.CallExportQuery, types.CallExportQueryVariables>;
export const callPage = 'sha256:75cd392f5658e06de6aa71249a52dcbc9cb5dddb95e8e630b9617580e8a26d07' as Operation<types.CallPageQuery, types.CallPageQueryVariables>;
export const callStream = 'sha256:ce1de574ba0013a0f1ec1274cfbe0e85b1c6c5d2d1874d3f5edfb1f787a28a12' as Operation<types.CallStreamQuery, types.CallStreamQueryVariables>;
export const callsElsewhere = 'sha256:e6a5b335531a3d0ff1a908e9231a50f4333a324b874a58e1dabbf0b3415f28b6' as Operation<types.CallsElsewhereQuery, types.CallsElsewhereQueryVariables>;
export const carriers = 'sha256:3f8a63e25cfb81f49732af3dbb8f8f011afc3393b8a9ba660ae81aed776f7c78' as Operation<types.CarriersQuery, types.CarriersQueryVariables>;
export const facet = 'sha256:9269526788a210cef741e22fb0bf67169e7056635ac0f75eba41b999a542533b' as Operation<types.FacetQuery, types.FacetQueryVariables>;
export const freshness = 'sha256:b54e11feb36d5a23132c49b81a22efa0f4e72e5cd2523f741f9a1db4bf9aea87' as Operation<types.FreshnessQuery, types.FreshnessQueryVariables>;
export const groups = 'sha256:ad0cfc296e3dcb9ca39256d518664500bf76e0b933ae09bedf2dca58a0c33755' as Operation<types.GroupsQuery, types.GroupsQueryVariables>;
export const histogram = 'sha256:e681d88bcbe145fa0a4e97cde872a4e19329fdc54e8954e6289d88b80bcda633' as Operation<types.HistogramQuery, types.HistogramQueryVariables>;
export const liveCalls = 'sha256:02942c378aca0fa461f65a0bec7dae5d00407331e3353ad271e344ec3861f7a4' as Operation<types.LiveCallsSubscription, types.LiveCallsSubscriptionVariables>;
export const quality = 'sha256:e6eb9410a5f716446c74357546d75d4db5756ff16977d102414b7e8c69afd53b' as Operation<types.QualityQuery, types.QualityQueryVariables>;
export const qualityMap = 'sha256:ec08f6af8122d99ab86bbebf9b9ea0685143ea6424755126f1a1adcf42b27cc9' as Operation<types.QualityMapQuery, types.QualityMapQueryVariables>;
export const recentCalls = 'sha256:e8f0d992ca8778c17e6cf95bbb925353fcf6ac61e032e8b00538984a4b275f66' as Operation<types.RecentCallsQuery, types.RecentCallsQueryVariables>;
export const recentFeed = 'sha256:57c5b7e6b5e187ab607c70103f73bf7d86d9038ee5fc803e6eed01f1efe53e7b' as Operation<types.RecentFeedSubscription, types.RecentFeedSubscriptionVariables>;
export const statsExport = 'sha256:2427b86d30fac7f05bb3ba27bb05c2fe1a362a456be9ce6353dab82b9a35c343' as Operation<types.StatsExportQuery, types.StatsExportQueryVariables>;
export const tiles = 'sha256:26c7fa2e2d5ebd4428950ba0cce99f3e4b0600c67ae6af5079e24721d7d8fcf7' as Operation<types.TilesQuery, types.TilesQueryVariables>;
export const viewer = 'sha256:9788e65da07e8df7886326b4a953bf1e67adacc005fafa6a1c571ad4bea573bf' as Operation<types.ViewerQuery, types.ViewerQueryVariables>;
