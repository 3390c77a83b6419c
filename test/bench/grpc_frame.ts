import type { DescMethod } from '@bufbuild/protobuf';

/** gRPC's length-prefixed message: one byte "not compressed", four of length, the message. */
export function grpcFrame(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEAD + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEAD);
  return frame;
}

/** The message of a response; undefined: it is missing or incomplete. */
export function readGrpcFrame(body: Buffer): Buffer | undefined {
  if (body.length < FRAME_HEAD) return undefined;
  const end = FRAME_HEAD + body.readUInt32BE(1);
  return body.length < end ? undefined : body.subarray(FRAME_HEAD, end);
}

export const FRAME_HEAD = 5;

export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
