import { ChannelCredentials, type ChannelOptions, Client } from '@grpc/grpc-js';

/** A client without a descriptor, which sends bytes as they are. It uses no proxy, whatever the environment says. */
export function createBareClient(address: string, channel: ChannelOptions = {}): Client {
  return new Client(address, ChannelCredentials.createInsecure(), { 'grpc.enable_http_proxy': 0, ...channel });
}
