import type { Cloud } from '../../gen/tokenvault/v1/app_pb.ts';
import type { Timestamp } from '../../model/clock.ts';
import type { Secret } from '../../model/secret.ts';

/** An app to register in the vault, as read from the other system's configuration. */
export interface AppSpec {
  readonly line: number | undefined;
  /** For the report: `strategy "azure"`. */
  readonly what: string;
  readonly tenantId: string;
  readonly preset: 'aurinko' | 'botpress-v12' | 'chatwoot' | 'deskpro';
  /** Name of a Botpress strategy. */
  readonly strategy?: string | undefined;
  /** Base URL of the product. */
  readonly baseUrl: string | undefined;
  /** Replaces the redirect URIs of the preset, unless it is empty. */
  readonly redirectUris: readonly string[];
  /** Botpress's redirect URI, registered in addition to the vault's. */
  readonly callbackUrl?: string | undefined;
  readonly cloud: Cloud;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly secretExpireTime?: Timestamp | undefined;
  /** Undefined: that of the preset. */
  readonly signInAudience: string | undefined;
  /** Empty: those of the preset. */
  readonly implicitPermissions: readonly string[];
  /** Id for an additional app if the tenant exists with other apps; undefined: the app is refused then. */
  readonly appId: string | undefined;
  readonly warnings: readonly string[];
}
