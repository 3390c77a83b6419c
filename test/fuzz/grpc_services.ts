import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMethod, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const descriptors = readFileSync(new URL('../../src/gen/descriptor_set.binpb', import.meta.url));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));

/** All methods of the proto files, so that a new one is covered without a change here. */
export const METHODS: readonly DescMethod[] = [...registry].flatMap((one) =>
  one.kind === 'service' ? one.methods : [],
);

/** The services of the token listener. The admin listener has all. */
const TOKEN_LISTENER = ['TokenService', 'ConnectionService', 'ScopeService', 'AccessService', 'Health'];

export type Listener = 'grpc' | 'admin';

export function isServed({ parent }: DescMethod, listener: Listener): boolean {
  return listener === 'admin' || TOKEN_LISTENER.includes(parent.name);
}

/** Services of the vault: each error has a reason. Health and reflection have statuses only. */
export function hasReasons({ parent }: DescMethod): boolean {
  return parent.typeName.startsWith('tokenvault.');
}

export function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}
