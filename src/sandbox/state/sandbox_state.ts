import { randomUUID } from 'node:crypto';
import { createFaults, type Faults } from '../faults/injected_faults.ts';
import { createRequestGates, type RequestGates } from '../faults/request_gates.ts';
import type { SandboxClock } from '../movable_clock.ts';
import { type Apps, createApps } from './app_registration.ts';
import { type ClockFollowers, createClockFollowers } from './clock_followers.ts';
import { createDirectories, type Directories, findAuthority } from './entra_directories.ts';
import { createUsers, type Users } from './entra_users.ts';
import { createExchange, type Exchange } from './exchange_mailboxes.ts';
import { type Consents, createConsents } from './granted_consents.ts';
import { type AuthorizationCodes, createAuthorizationCodes } from './issued_authorization_codes.ts';
import { createResources, type Resources } from './protected_resources.ts';
import { createRequestLog, type RequestLog } from './request_log.ts';
import { createLoopGuard, type LoopGuard } from './request_loop_detector.ts';
import type { SigningKey } from './token_signing_key.ts';

export interface Settings {
  /** Seconds; undefined: 3600 to 5399 at random, as Entra does. */
  accessTokenLifetime: number | undefined;
  /** Reject the 15th equal request within 5 minutes (50196). */
  loopGuard: boolean;
  /** A username: every authorization request succeeds at once, as if this user had consented. */
  autoSignIn: string | undefined;
}

/** The whole state of the sandbox, which the endpoints read and change. */
export interface SandboxState {
  /** Distinguishes this process's refresh tokens from those of an earlier one. */
  instanceId: string;
  /** Base URL, without a trailing slash. */
  url: string;
  /** `imap://{host}:{port}`: Exchange's IMAP. */
  imapUrl: string;
  clock: SandboxClock;
  clockFollowers: ClockFollowers;
  settings: Settings;
  signingKey: SigningKey;
  directories: Directories;
  users: Users;
  apps: Apps;
  resources: Resources;
  consents: Consents;
  exchange: Exchange;
  codes: AuthorizationCodes;
  loopGuard: LoopGuard;
  requests: RequestLog;
  faults: Faults;
  gates: RequestGates;
  /** (User, app) pairs whose consents were restored from a refresh token of an earlier process. */
  restoredConsents: Set<string>;
  /** Requests that followed the 307 of a `redirect` fault. */
  trapped: TrappedRequest[];
}

export interface TrappedRequest {
  time: number;
  method: string;
  hadClientSecret: boolean;
  hadClientAssertion: boolean;
  hadRefreshToken: boolean;
}

export function createState(parts: {
  url: string;
  imapUrl: string;
  clock: SandboxClock;
  signingKey: SigningKey;
  settings: Settings;
}): SandboxState {
  const { clock } = parts;
  const directories = createDirectories();
  const apps = createApps(clock);
  const resources = createResources();
  return {
    ...parts,
    instanceId: randomUUID(),
    clockFollowers: createClockFollowers(clock),
    directories,
    users: createUsers(),
    apps,
    resources,
    consents: createConsents(),
    exchange: createExchange(),
    codes: createAuthorizationCodes(clock),
    loopGuard: createLoopGuard(clock),
    requests: createRequestLog(),
    faults: createFaults(clock, {
      directory: (name) => findAuthority(directories, name)?.directory?.id ?? name.toLowerCase(),
      resource: (name) => resources.find(name)?.id ?? name,
      credential: (name) => apps.findSecret(name)?.keyId ?? name,
    }),
    gates: createRequestGates(),
    restoredConsents: new Set(),
    trapped: [],
  };
}
