import { type DescMessage, type MessageShape, toJsonString } from '@bufbuild/protobuf';

/** For programs: one JSON object with the names of the API. */
export function messageJson<Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>): string {
  return toJsonString(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
}
