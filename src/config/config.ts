import type { AllowedAssertionFiles } from '../model/assertion_files.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import type { ListenAddress } from '../model/listen_address.ts';

export interface Config {
  readonly grpcAddress: ListenAddress;
  readonly adminAddress: ListenAddress;
  readonly webAddress: ListenAddress;
  readonly opsAddress: ListenAddress;
  /** Where browsers reach the web listener; no trailing slash. */
  readonly publicUrl: string;
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string | undefined }
    | undefined;
  /** `mesh`: something else encrypts, so plaintext may leave the machine. */
  readonly plaintext: 'loopback' | 'mesh';
  /** Of one gRPC listener, before an authenticated call. `connectionsPerAddress` is undefined with a mesh: all callers share one address. */
  readonly unauthenticated: { readonly connections: number; readonly connectionsPerAddress: number | undefined };
  readonly databaseUrl: string;
  readonly databasePasswordFile: string | undefined;
  readonly keySource: string;
  /** Where systemd puts the credentials of this service; a key file there has other rights. */
  readonly credentialsDirectory: string | undefined;
  readonly callersFile: string | undefined;
  readonly catalogsDir: string | undefined;
  /** Who is told of events, and how to sign for them. */
  readonly sinksFile: string | undefined;
  /** Origins of the key vaults that credentials may refer to; none: no credential may. */
  readonly keyVaults: readonly string[];
  /** Files with tokens of other identity providers that credentials may name, by tenant; none: no credential may. */
  readonly federatedFiles: readonly AllowedAssertionFiles[];
  /** Tokens by which the vault itself signs in; no credential may name one. */
  readonly ownTokenFiles: readonly string[];
  /** Holds what Azure Event Grid must bring along; undefined: its events are not taken. */
  readonly eventGridKeyFile: string | undefined;
  /** `-` for standard output. */
  readonly auditFile: string;
  readonly auditRotateBytes: number;
  /** Days before an end at which it is told, falling; a tenant may have its own. */
  readonly expiryThresholds: readonly number[];
  /** Stands in for Entra as cloud CUSTOM; its resources keep the names of the public cloud. */
  readonly customCloud: { readonly loginUrl: string; readonly graphUrl: string | undefined } | undefined;
  /** Towards Entra and Graph. */
  readonly proxy: HttpProxy | undefined;
  /** `on`: start the pretend Entra in this process; a URL: use one that runs already. The clock follows it. */
  readonly sandbox: 'off' | 'on' | { readonly url: string };
  readonly sandboxPort: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}
