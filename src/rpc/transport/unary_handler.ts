import type { StatusObject } from '@grpc/grpc-js';
import type { PipelineCall } from '../pipeline/shared_by_calls.ts';

/** A unary call of grpc-js or of `UnaryCall`. */
export interface UnaryWire extends PipelineCall {
  readonly request: Uint8Array;
}

/** Sends the response message, or a status that is not OK. Later calls do nothing. */
export type Respond = (error: Partial<StatusObject> | null, response?: Uint8Array) => void;

export type UnaryHandler = (call: UnaryWire, respond: Respond) => void;
