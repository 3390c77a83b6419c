import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { UnaryHandler } from './unary_handler.ts';

/** A service for grpc-js, and for `UnaryCall`. */
export interface WireService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
  /** Handlers of its unary methods, by path. */
  readonly unary: ReadonlyMap<string, UnaryHandler>;
}
