import { toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/** Descriptors of proto files, by each key of a reflection request. */
export interface FileIndex {
  readonly byName: ReadonlyMap<string, FileDescriptorProto>;
  /** Full names of services, methods, messages, enums and their values, fields and extensions. */
  readonly bySymbol: ReadonlyMap<string, FileDescriptorProto>;
  /** `google.protobuf.FieldOptions 1052` */
  readonly byExtension: ReadonlyMap<string, FileDescriptorProto>;
  readonly encoded: Map<string, Uint8Array>;
}

/** Without files that have only services of other listeners. */
export function indexFiles(all: readonly FileDescriptorProto[], services: ReadonlySet<string>): FileIndex {
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
    // Enum values are siblings of their enum, by C++ scoping rules.
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

/** A file with its imports, which come first. */
export function withImports(file: FileDescriptorProto, index: FileIndex, found = new Set<FileDescriptorProto>()) {
  for (const name of file.dependency) {
    const imported = index.byName.get(name);
    if (imported !== undefined && !found.has(imported)) withImports(imported, index, found);
  }
  return found.add(file);
}

export function encodedFile(file: FileDescriptorProto, index: FileIndex): Uint8Array {
  let bytes = index.encoded.get(file.name);
  if (bytes === undefined) {
    bytes = toBinary(FileDescriptorProtoSchema, file);
    index.encoded.set(file.name, bytes);
  }
  return bytes;
}
