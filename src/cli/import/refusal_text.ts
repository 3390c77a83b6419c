import type { RpcError } from '../../rpc/client.ts';

/** The vault's words. The reason, which ends its messages, has a place of its own in a report. */
export function messageOf({ message, reason }: Pick<RpcError, 'message' | 'reason'>): string {
  return message.endsWith(` [${reason}]`) ? message.slice(0, -` [${reason}]`.length) : message;
}
