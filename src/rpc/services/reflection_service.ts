import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { ServerReflection, type ServerReflectionRequest } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { adaptPlain } from '../pipeline/unauthenticated_service_adapter.ts';
import type { WireService } from '../transport/wire_service.ts';
import { encodedFile, type FileIndex, indexFiles, withImports } from './reflection_descriptor_index.ts';

const DESCRIPTOR_SET = new URL('../../gen/descriptor_set.binpb', import.meta.url);

/**
 * Server reflection, v1 and v1alpha (the same messages under another name), so that grpcurl and buf curl need no .proto
 * files. Responses have a file with all its imports, which some clients rely on, and the comments of the source. Only
 * services of the listener are described. `stopping` ends open streams.
 */
export function createReflectionServices(services: readonly string[], stopping: AbortSignal): readonly WireService[] {
  const names = [...services, ServerReflection.typeName, ServerReflectionAlpha.typeName].sort();
  const index = indexFiles(fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTOR_SET)).file, new Set(names));
  const reflect = (request: ServerReflectionRequest) => ({
    validHost: request.host,
    originalRequest: request,
    messageResponse: respond(request, names, index),
  });
  return [
    adaptPlain(ServerReflection, { serverReflectionInfo: reflect }, stopping),
    adaptPlain(
      ServerReflectionAlpha,
      {
        serverReflectionInfo: (request) => {
          const { validHost, messageResponse } = reflect(request as unknown as ServerReflectionRequest);
          return { validHost, originalRequest: request, messageResponse };
        },
      },
      stopping,
    ),
  ];
}

function respond({ messageRequest }: ServerReflectionRequest, names: readonly string[], index: FileIndex) {
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
      return failure(status.INVALID_ARGUMENT, 'This release does not support the request.');
  }
}

function files(file: FileDescriptorProto | undefined, index: FileIndex) {
  if (file === undefined) return notFound();
  const fileDescriptorProto = [...withImports(file, index)].map((one) => encodedFile(one, index));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } } as const;
}

function notFound() {
  return failure(status.NOT_FOUND, 'This listener has no such file, symbol or extension.');
}

function failure(errorCode: status, errorMessage: string) {
  return { case: 'errorResponse', value: { errorCode, errorMessage } } as const;
}
