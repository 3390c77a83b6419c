import type { RpcError } from '../rpc/grpc_client.ts';

/**
 * The message of an RPC error, safe for a terminal. The server may not be a vault. Removes the reason, which reports show
 * separately, and the empty note that grpc-js appends.
 */
export function messageOf({ message, reason }: Pick<RpcError, 'message' | 'reason'>): string {
  const text = message.endsWith(` [${reason}]`) ? message.slice(0, -` [${reason}]`.length) : message;
  return printable(text.replace(/\.? Resolution note: $/, ''));
}

export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}
