import type { RpcError } from '../rpc/client.ts';

/**
 * The vault's words, fit for a terminal, whoever listens where the vault should. The reason, which ends its messages, has a
 * place of its own in a report. grpc-js ends its own words with a note that is mostly empty.
 */
export function messageOf({ message, reason }: Pick<RpcError, 'message' | 'reason'>): string {
  const words = message.endsWith(` [${reason}]`) ? message.slice(0, -` [${reason}]`.length) : message;
  return printable(words.replace(/\.? Resolution note: $/, ''));
}

export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '?');
}
