import {
  create,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import { type Client, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { createBareClient } from '../rpc/bare_client.ts';

/** What a call brought back, all of it, in latin1. */
export interface Tapped {
  /** `TokenService/GetAccessToken` */
  readonly method: string;
  readonly answers: readonly string[];
  /** Initial metadata, trailers, status message and details. */
  readonly around: string;
  readonly code: number;
}

export interface WireTap {
  readonly calls: readonly Tapped[];
  /** The first answer; undefined where the call failed. */
  call<Methods extends GenServiceMethods, Name extends keyof Methods & string>(
    service: GenService<Methods>,
    name: Name,
    request: MessageInitShape<Methods[Name]['input']>,
    /** Another than the tap's own. */
    apiKey?: string,
  ): Promise<MessageShape<Methods[Name]['output']> | undefined>;
  close(): void;
}

/** Calls by descriptor over a bare client, and keeps every byte that comes back. */
export function createWireTap(options: {
  readonly addressOf: (service: DescService) => string;
  readonly apiKey: string;
}): WireTap {
  const clients = new Map<string, Client>();
  const calls: Tapped[] = [];

  function clientOf(service: DescService): Client {
    const address = options.addressOf(service);
    const made = clients.get(address) ?? createBareClient(address);
    clients.set(address, made);
    return made;
  }

  return {
    calls,
    async call(service, name, request, apiKey = options.apiKey) {
      const method = service.methods.find((one) => one.localName === name) as DescMethod;
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${apiKey}`);
      const path = `/${service.typeName}/${method.name}`;
      const bytes = Buffer.from(
        toBinary(method.input, create(method.input, request as MessageInitShape<typeof method.input>)),
      );
      const answers: Buffer[] = [];
      const around: string[] = [];
      const asIs = (one: Buffer) => one;
      const call = clientOf(service).makeServerStreamRequest(path, asIs, asIs, bytes, metadata, {
        deadline: Date.now() + 20_000,
      });
      const status = await new Promise<StatusObject>((resolve) => {
        call.on('metadata', (initial: Metadata) => around.push(textOf(initial)));
        call.on('data', (answer: Buffer) => {
          answers.push(answer);
          // A watch goes on for ever: its first answer will do.
          if (method.methodKind === 'server_streaming') call.cancel();
        });
        call.on('error', (error: ServiceError) => around.push(`${error.message}\n${error.details}`));
        call.on('status', resolve);
      });
      around.push(status.details, textOf(status.metadata));
      calls.push({
        method: `${service.typeName.split('.').at(-1)}/${method.name}`,
        answers: answers.map((answer) => answer.toString('latin1')),
        around: Buffer.from(around.join('\n'), 'utf8').toString('latin1'),
        code: status.code,
      });
      const [first] = answers;
      return first === undefined ? undefined : (fromBinary(method.output, first) as never);
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}

function textOf(metadata: Metadata): string {
  return Object.entries(metadata.getMap())
    .map(([name, value]) => `${name}: ${Buffer.isBuffer(value) ? value.toString('utf8') : value}`)
    .join('\n');
}
