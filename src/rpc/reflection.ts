import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { ServerReflection, type ServerReflectionRequest } from '../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { adaptPlain } from './plain_adapter.ts';
import type { WireService } from './wire.ts';

const DESCRIPTOR_SET = new URL('../gen/descriptor_set.binpb', import.meta.url);

/**
 * Server reflection, v1 and v1alpha (the same messages under another name): so that grpcurl and buf curl need no files.
 * Answers hold a file with all that it imports, which several clients rely on, and the comments of the source.
 * Lists the services of its listener, and describes no other.
 */
export function createReflectionServices(services: readonly string[]): readonly WireService[] {
  const names = [...services, ServerReflection.typeName, ServerReflectionAlpha.typeName].sort();
  const index = indexFiles(fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTOR_SET)).file, new Set(names));
  const reflect = (request: ServerReflectionRequest) => ({
    validHost: request.host,
    originalRequest: request,
    messageResponse: answer(request, names, index),
  });
  return [
    adaptPlain(ServerReflection, { serverReflectionInfo: reflect }),
    adaptPlain(ServerReflectionAlpha, {
      serverReflectionInfo: (request) => {
        const { validHost, messageResponse } = reflect(request as unknown as ServerReflectionRequest);
        return { validHost, originalRequest: request, messageResponse };
      },
    }),
  ];
}

interface FileIndex {
  readonly byName: ReadonlyMap<string, FileDescriptorProto>;
  /** Full names of services, methods, messages, enums and their values, fields and extensions. */
  readonly bySymbol: ReadonlyMap<string, FileDescriptorProto>;
  /** `google.protobuf.FieldOptions 1052` */
  readonly byExtension: ReadonlyMap<string, FileDescriptorProto>;
  readonly encoded: Map<string, Uint8Array>;
}

function answer({ messageRequest }: ServerReflectionRequest, names: readonly string[], index: FileIndex) {
  switch (messageRequest.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: names.map((name) => ({ name })) } } as const;
    case 'fileByFilename':
      return files(index.byName.get(messageRequest.value), index);
    case 'fileContainingSymbol':
      return files(index.bySymbol.get(messageRequest.value.replace(/^\./, '')), index);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = messageRequest.value;
      return files(index.byExtension.get(`${containingType} ${extensionNumber}`), index);
    }
    case 'allExtensionNumbersOfType': {
      const prefix = `${messageRequest.value} `;
      const extensionNumber = [...index.byExtension.keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => Number(key.slice(prefix.length)));
      if (extensionNumber.length === 0 && !index.bySymbol.has(messageRequest.value)) return notFound();
      return {
        case: 'allExtensionNumbersResponse',
        value: { baseTypeName: messageRequest.value, extensionNumber },
      } as const;
    }
    default:
      return failure(status.INVALID_ARGUMENT, 'The request asks nothing that this release knows');
  }
}

function files(file: FileDescriptorProto | undefined, index: FileIndex) {
  if (file === undefined) return notFound();
  const fileDescriptorProto = [...withImports(file, index)].map((one) => encodedFile(one, index));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } } as const;
}

/** Imports first, as a compiler would read them. */
function withImports(file: FileDescriptorProto, index: FileIndex, found = new Set<FileDescriptorProto>()) {
  for (const name of file.dependency) {
    const imported = index.byName.get(name);
    if (imported !== undefined && !found.has(imported)) withImports(imported, index, found);
  }
  return found.add(file);
}

function encodedFile(file: FileDescriptorProto, index: FileIndex): Uint8Array {
  let bytes = index.encoded.get(file.name);
  if (bytes === undefined) {
    bytes = toBinary(FileDescriptorProtoSchema, file);
    index.encoded.set(file.name, bytes);
  }
  return bytes;
}

/** Files that hold services of other listeners alone are left out: what cannot be called need not be described. */
function indexFiles(all: readonly FileDescriptorProto[], services: ReadonlySet<string>): FileIndex {
  const everyName = new Map(all.map((file) => [file.name, file]));
  const ours = all.filter(
    (file) => file.service.length === 0 || file.service.some(({ name }) => services.has(qualified(file.package, name))),
  );
  const byName = new Map(ours.map((file) => [file.name, file]));
  for (const file of ours) for (const name of file.dependency) addFile(name);
  const bySymbol = new Map<string, FileDescriptorProto>();
  const byExtension = new Map<string, FileDescriptorProto>();
  for (const file of byName.values()) {
    for (const symbol of symbolsOf(file)) bySymbol.set(symbol, file);
    for (const { extendee, number } of extensionsOf(file)) byExtension.set(`${extendee.slice(1)} ${number}`, file);
  }
  return { byName, bySymbol, byExtension, encoded: new Map() };

  function addFile(name: string): void {
    const file = everyName.get(name);
    if (file === undefined || byName.has(name)) return;
    byName.set(name, file);
    for (const imported of file.dependency) addFile(imported);
  }
}

type Scope = Pick<FileDescriptorProto, 'enumType' | 'extension'> & {
  readonly messages: FileDescriptorProto['messageType'];
};

function* symbolsOf(file: FileDescriptorProto): Generator<string> {
  for (const service of file.service) {
    const name = qualified(file.package, service.name);
    yield name;
    for (const method of service.method) yield `${name}.${method.name}`;
  }
  yield* typesOf(file.package, { ...file, messages: file.messageType });
}

function* typesOf(scope: string, types: Scope): Generator<string> {
  for (const enumeration of types.enumType) {
    yield qualified(scope, enumeration.name);
    // Values are siblings of their enum, by the rules of C++.
    for (const value of enumeration.value) yield qualified(scope, value.name);
  }
  for (const extension of types.extension) yield qualified(scope, extension.name);
  for (const message of types.messages) {
    const name = qualified(scope, message.name);
    yield name;
    for (const field of message.field) yield `${name}.${field.name}`;
    for (const oneof of message.oneofDecl) yield `${name}.${oneof.name}`;
    yield* typesOf(name, { ...message, messages: message.nestedType });
  }
}

function* extensionsOf(
  scope: Pick<FileDescriptorProto, 'extension' | 'messageType'>,
): Generator<FileDescriptorProto['extension'][number]> {
  yield* scope.extension;
  for (const message of scope.messageType) {
    yield* extensionsOf({ extension: message.extension, messageType: message.nestedType });
  }
}

function qualified(scope: string, name: string): string {
  return scope === '' ? name : `${scope}.${name}`;
}

function notFound() {
  return failure(status.NOT_FOUND, 'This listener has no such file, symbol or extension');
}

function failure(errorCode: status, errorMessage: string) {
  return { case: 'errorResponse', value: { errorCode, errorMessage } } as const;
}
