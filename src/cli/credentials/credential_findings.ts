import { timestampMs, type Timestamp as WireTimestamp } from '@bufbuild/protobuf/wkt';
import type { AppCredentials } from '../../gen/tokenvault/v1/app_service_pb.ts';
import { type Credential, Credential_Kind, Credential_State } from '../../gen/tokenvault/v1/credential_pb.ts';
import { DAY, type Timestamp } from '../../model/clock.ts';

/** Why a credential is in the report. */
export type Finding = 'SECRET' | 'EXPIRED' | 'EXPIRES' | 'NO_EXPIRY' | 'UNUSED' | 'REJECTED' | 'UNKNOWN';

/** A credential that needs attention. */
export interface ReportedCredential {
  readonly app: string;
  /** Full name; for an unknown one its key id at Entra. */
  readonly name: string;
  readonly kind: Credential_Kind;
  readonly hint: string;
  readonly expireTime: WireTimestamp | undefined;
  readonly lastUsedTime: WireTimestamp | undefined;
  /** At least one. */
  readonly findings: readonly Finding[];
}

export interface CredentialFindings {
  /** Number of apps. */
  readonly apps: number;
  /** Number of credentials in the vault. */
  readonly credentials: number;
  /** In the order of their apps. */
  readonly reported: readonly ReportedCredential[];
  /** Apps whose registration the vault could never read: whether it has unknown credentials is not known. */
  readonly unreadApps: readonly string[];
}

/** In days. */
export interface Thresholds {
  readonly expiresWithin: number;
  readonly unusedFor: number;
}

/** The credentials that need attention. */
export function findingsOf(
  apps: readonly AppCredentials[],
  thresholds: Thresholds,
  now: Timestamp,
): CredentialFindings {
  const reported = apps.flatMap(({ app, credentials, unknownCredentials }): ReportedCredential[] => [
    ...credentials.map((credential) => {
      const { name, kind, hint, expireTime, lastUsedTime } = credential;
      return { app, name, kind, hint, expireTime, lastUsedTime, findings: findingsAbout(credential, thresholds, now) };
    }),
    ...unknownCredentials.map(({ keyId, kind, hint, expireTime }) => {
      const findings = ['UNKNOWN' as const, ...expiryFindings(expireTime, thresholds, now)];
      return { app, name: keyId, kind, hint, expireTime, lastUsedTime: undefined, findings };
    }),
  ]);
  return {
    apps: apps.length,
    credentials: apps.reduce((sum, { credentials }) => sum + credentials.length, 0),
    reported: reported.filter(({ findings }) => findings.length > 0),
    unreadApps: apps.filter(({ registrationReadTime }) => registrationReadTime === undefined).map(({ app }) => app),
  };
}

const SECRET_KINDS = new Set<Credential_Kind>([Credential_Kind.CLIENT_SECRET, Credential_Kind.KEY_VAULT_SECRET]);

function findingsAbout(credential: Credential, thresholds: Thresholds, now: Timestamp): readonly Finding[] {
  const { kind, state, expireTime, neverExpires, createTime } = credential;
  const isSecret = SECRET_KINDS.has(kind);
  const used = Math.max(millis(credential.lastUsedTime), millis(createTime));
  const isOutOfDate = state === Credential_State.EXPIRED || state === Credential_State.NOT_YET_VALID;
  return [
    ...(isSecret ? (['SECRET'] as const) : []),
    ...(neverExpires || (isSecret && expireTime === undefined)
      ? (['NO_EXPIRY'] as const)
      : expiryFindings(expireTime, thresholds, now)),
    ...(state === Credential_State.REJECTED ? (['REJECTED'] as const) : []),
    ...(!isOutOfDate && now - used >= thresholds.unusedFor * DAY ? (['UNUSED'] as const) : []),
  ];
}

function expiryFindings(time: WireTimestamp | undefined, { expiresWithin }: Thresholds, now: Timestamp): Finding[] {
  if (time === undefined) return [];
  const left = timestampMs(time) - now;
  if (left <= 0) return ['EXPIRED'];
  return left <= expiresWithin * DAY ? ['EXPIRES'] : [];
}

function millis(time: WireTimestamp | undefined): number {
  return time === undefined ? 0 : timestampMs(time);
}
