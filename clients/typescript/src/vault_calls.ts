import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import type { ReadMetadata } from './caller_credential.ts';
import type { Channel } from './channel.ts';
import { toTokenVaultError } from './to_token_vault_error.ts';

/** A method of the vault, by its generated descriptor. */
export interface Method<Input extends DescMessage, Output extends DescMessage> {
  readonly name: string;
  readonly parent: { readonly typeName: string };
  readonly input: Input;
  readonly output: Output;
}

/** Sends calls over the channel. Failures are `TokenVaultError`s. */
export interface VaultCalls {
  /** `timeout` in milliseconds. */
  unary<Input extends DescMessage, Output extends DescMessage>(
    method: Method<Input, Output>,
    request: MessageInitShape<Input>,
    timeout: number,
  ): Promise<MessageShape<Output>>;
  /** Without a deadline. */
  stream<Input extends DescMessage, Output extends DescMessage>(
    method: Method<Input, Output>,
    request: MessageInitShape<Input>,
    signal: AbortSignal,
  ): AsyncIterable<MessageShape<Output>>;
}

export function createVaultCalls(channel: Channel, readMetadata: ReadMetadata): VaultCalls {
  return {
    async unary(method, request, timeout) {
      const deadline = Date.now() + timeout;
      const [client, metadata] = await Promise.all([channel.client(), readMetadata()]);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          pathOf(method),
          serialize(method.input),
          deserialize(method.output),
          request,
          metadata,
          { deadline },
          (error, response) => {
            if (error !== null) reject(toTokenVaultError(error));
            else if (response !== undefined) resolve(response);
          },
        );
      });
    },

    async *stream(method, request, signal) {
      const [client, metadata] = await Promise.all([channel.client(), readMetadata()]);
      if (signal.aborted) return;
      const call = client.makeServerStreamRequest(
        pathOf(method),
        serialize(method.input),
        deserialize(method.output),
        request,
        metadata,
      );
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      try {
        for await (const response of call) yield response;
      } catch (error) {
        if (!signal.aborted) throw toTokenVaultError(error as ServiceError);
      } finally {
        signal.removeEventListener('abort', cancel);
        // After a cancel, grpc-js emits an error that has no other listener.
        call.on('error', () => undefined);
        call.cancel();
      }
    },
  };
}

function pathOf({ parent, name }: Method<DescMessage, DescMessage>): string {
  return `/${parent.typeName}/${name}`;
}

function serialize<Schema extends DescMessage>(schema: Schema) {
  return (message: MessageInitShape<Schema>) => Buffer.from(toBinary(schema, create(schema, message)));
}

function deserialize<Schema extends DescMessage>(schema: Schema) {
  return (bytes: Buffer): MessageShape<Schema> => fromBinary(schema, bytes);
}
