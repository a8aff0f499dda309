/** What the package is: everything that is named here stays. */
export { type Answer, type AnswerError, type ReplicaInfo, readAnswer, readError, toError } from './answer.ts';
export { type CallListResult, type CallListVariables, callList } from './call-list.ts';
export { CallStream } from './call-stream.ts';
export {
  type ClientOptions,
  type EncodedOperation,
  GatewayClient,
  type RequestDefaults,
  type RequestOptions,
} from './client.ts';
export {
  type ErrorFacts,
  GatewayError,
  GatewayTimeoutError,
  GatewayUnreachableError,
} from './gateway-error.ts';
export * from './generated/error-classes.ts';
export type * from './generated/schema.ts';
export { type KeepAnswersOptions, keepAnswers } from './keep-answers.ts';
export type { ListVariables, NodeOf } from './list-types.ts';
export type { StreamReplica, Unreadable } from './stream-source.ts';
export { type TypedDocument, typedDocument, type VariablesAndOptions } from './typed-document.ts';
