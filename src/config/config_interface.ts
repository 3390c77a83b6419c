import type { ClientCaFile } from '../model/client_trust.ts';
import type { Duration } from '../model/clock.ts';
import type { AllowedAssertionFiles } from '../model/federated_assertion_files.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import type { ListenAddress } from '../model/listen_address.ts';
import type { AllowedManagedIdentity } from '../model/managed_identities.ts';
import type { TracingConfig } from './read_tracing_variables.ts';

export interface Config {
  readonly grpcAddress: ListenAddress;
  readonly adminAddress: ListenAddress;
  readonly webAddress: ListenAddress;
  readonly opsAddress: ListenAddress;
  /** URL of the web listener for browsers, without a trailing slash. */
  readonly publicUrl: string;
  readonly tls:
    | {
        readonly certFile: string;
        readonly keyFile: string;
        /** CAs of client certificates. Empty: none are requested. */
        readonly clientCaFiles: readonly ClientCaFile[];
      }
    | undefined;
  /** `mesh`: a service mesh encrypts, so plaintext is allowed beyond loopback. */
  readonly plaintext: 'loopback' | 'mesh';
  /**
   * Limits of one gRPC listener before authentication. Without `connectionsPerAddress` in a mesh, where all callers
   * share one address.
   */
  readonly unauthenticated: { readonly connections: number; readonly connectionsPerAddress: number | undefined };
  /** `native`: HTTP/2 sessions keep the Map of Node for their streams. */
  readonly http2Streams: 'own' | 'native';
  readonly databaseUrl: string;
  /** How to connect to PostgreSQL. */
  readonly postgres: {
    readonly passwordFile: string | undefined;
    readonly caFile: string | undefined;
    readonly poolSize: number;
    /** Prepared statements with names; not for PgBouncer before version 1.21. */
    readonly namedStatements: boolean;
    /** For a direct connection that receives notifications; undefined: `databaseUrl`. */
    readonly listenUrl: string | undefined;
    /** False: missing migrations are an error. */
    readonly migrate: boolean;
  };
  /**
   * How long tokens in memory are served while neither changes of other replicas nor the database can be read;
   * undefined: until they expire.
   */
  readonly staleLimit: Duration | undefined;
  /** Most connections whose tokens are kept in memory. */
  readonly cachedConnections: number;
  readonly keySource: string;
  /** Where systemd puts the credentials of this service. A key file there has other permissions. */
  readonly credentialsDirectory: string | undefined;
  readonly callersFile: string | undefined;
  readonly catalogsDir: string | undefined;
  /** Destinations of events, with their signing secrets. */
  readonly sinksFile: string | undefined;
  /** Origins of the key vaults that credentials may refer to. */
  readonly keyVaults: readonly string[];
  /** Files with tokens of other identity providers that credentials may refer to, by tenant. */
  readonly federatedFiles: readonly AllowedAssertionFiles[];
  /** User-assigned managed identities that credentials may refer to, by tenant. */
  readonly managedIdentities: readonly AllowedManagedIdentity[];
  /** Files with tokens of the vault itself. No credential may refer to one. */
  readonly ownTokenFiles: readonly string[];
  /** Keys that requests of Azure Event Grid must have; undefined: its events are not accepted. */
  readonly eventGridKeyFile: string | undefined;
  /** `-` for standard output. */
  readonly auditFile: string;
  readonly auditRotateBytes: number;
  /** Days before an expiry at which an event is published, in descending order. A tenant may have its own. */
  readonly expiryThresholds: readonly number[];
  /** Endpoints of the cloud CUSTOM. Its resources have the names of the public cloud. */
  readonly customCloud: { readonly loginUrl: string; readonly graphUrl: string | undefined } | undefined;
  /** Proxy for requests to Entra and Graph. */
  readonly proxy: HttpProxy | undefined;
  /** Undefined: no traces. */
  readonly tracing: TracingConfig | undefined;
  /** `on`: start the sandbox in this process; a URL: use a running one. The vault follows its clock. */
  readonly sandbox: 'off' | 'on' | { readonly url: string };
  readonly sandboxPort: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}
