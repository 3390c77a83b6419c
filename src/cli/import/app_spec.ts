import type { Cloud } from '../../gen/tokenvault/v1/app_pb.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { Secret } from '../../model/secret.ts';

/** An app registration that the vault shall have, as the other system's configuration shows it. */
export interface AppSpec {
  readonly line: number | undefined;
  /** For the report: `strategy "azure"`. */
  readonly what: string;
  readonly tenantId: string;
  readonly preset: 'aurinko' | 'botpress-v12' | 'chatwoot' | 'deskpro';
  /** Of Botpress. */
  readonly strategy?: string | undefined;
  /** Where the product lives. */
  readonly baseUrl: string | undefined;
  /** Exactly these; empty: the preset's. */
  readonly redirectUris: readonly string[];
  /** Of Botpress: stands beside the vault's own. */
  readonly callbackUrl?: string | undefined;
  readonly cloud: Cloud;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly secretExpireTime?: Timestamp | undefined;
  /** Undefined: the preset's. */
  readonly signInAudience: string | undefined;
  /** Empty: the preset's. */
  readonly implicitPermissions: readonly string[];
  /** When the tenant is there with other apps: the id of one more; undefined: it is refused. */
  readonly appId: string | undefined;
  readonly warnings: readonly string[];
}
