import { type App, homeDirectory } from '../model/app.ts';
import { type Clock, type Duration, HOUR, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Reason, VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import type { Log } from '../telemetry/log.ts';
import { type AppNotesParts, createAppNotes } from './app_notes.ts';
import { refuseApp } from './app_refusal.ts';
import type { AppLedger } from './authorization_server.ts';
import { type CredentialChoice, createCredentialChoice } from './credential_choice.ts';
import type { EntraMetrics } from './entra_metrics.ts';
import { REASON_IN_DIRECTORY, REQUEST_SHAPED } from './failure_codes.ts';
import type { Meaning } from './failures.ts';

/** What is known of an app: it fails as a whole, in one directory, or not at all. */
export interface AppStanding {
  readonly credentials: CredentialChoice;
  /** Known already, so that Entra need not be asked; undefined also when it is time to try again. */
  refusal(directoryId: string | undefined): VaultError | undefined;
  /** Takes the try, where one is due. True: it was taken, and must be given back if nothing came of it. */
  takeProbe(directoryId: string | undefined): boolean;
  giveProbeBack(directoryId: string | undefined): void;
  /** Entra gave a token. */
  granted(directoryId: string | undefined): Promise<void>;
  /** A credential was accepted, whatever else was said. */
  credentialWorks(): Promise<void>;
  /** `app_config`: whom it is blamed on is in the answer's reason. */
  misconfigured(meaning: Meaning, request: AskedRequest): Promise<Failure>;
  /** The same request was refused for what it asks a short while ago. */
  refusalOf(request: AskedRequest): Failure | undefined;
  /** Every credential was refused. */
  outOfCredentials(failure: Failure): Promise<Failure>;
  /** None is within its time: decided by the clock, so nothing is held and nothing probed. */
  withoutCredential(): Promise<VaultError>;
}

/** Where, and for what, Entra was asked. */
export interface AskedRequest {
  readonly directoryId: string | undefined;
  readonly scopes: readonly string[];
}

export interface AppStandings {
  of(app: App): AppStanding;
  forget(appUid: string): void;
}

/** While an app is held, one exchange in so long asks Entra whether it still is. */
const PROBE_EVERY: Duration = 5 * MINUTE;
/** A grant within so long proves that the app itself is in order. Tokens live 90 minutes, so an app in use asks that often. */
const RECENT: Duration = 2 * HOUR;
const MOST_REQUESTS_KEPT = 1_000;
const MOST_DIRECTORIES_HELD = 10_000;

interface Hold {
  readonly state: 'CREDENTIAL_REJECTED' | 'MISCONFIGURED';
  readonly reason: Reason;
  nextProbeTime: Timestamp;
}

export function createAppStandings(parts: {
  ledger: AppLedger;
  clock: Clock;
  metrics: EntraMetrics;
  log: Log;
}): AppStandings {
  const standings = new Map<string, AppStanding>();
  return {
    of(app) {
      const found = standings.get(app.uid);
      if (found !== undefined) return found;
      const made: AppStanding = createAppStanding({ ...parts, app, isCurrent: () => standings.get(app.uid) === made });
      standings.set(app.uid, made);
      return made;
    },
    forget: (appUid) => standings.delete(appUid),
  };
}

function createAppStanding(parts: AppNotesParts): AppStanding {
  const { app, clock } = parts;
  const notes = createAppNotes(parts);
  const credentials = createCredentialChoice(parts);
  const servesMany = homeDirectory(app) === undefined;
  let hold: Hold | undefined;
  const directoryHolds = new Map<string, Hold>();
  /** What one connection asks in vain must not keep the others of its app waiting: it is held by itself. */
  const requestHolds = new Map<string, { failure: Failure; nextProbeTime: Timestamp }>();
  const grantTimes = new Map<string, Timestamp>();
  let lastGrantTime: Timestamp | undefined;

  function isHeld(held: Pick<Hold, 'nextProbeTime'>): boolean {
    const rest = held.nextProbeTime - clock.now();
    // A rest beyond the interval means that the clock was set back.
    return rest > 0 && rest <= PROBE_EVERY;
  }

  function holdsOf(directoryId: string | undefined): Hold[] {
    const inDirectory = directoryId === undefined ? undefined : directoryHolds.get(directoryId);
    return [hold, inDirectory].filter((held) => held !== undefined);
  }

  function isRecent(time: Timestamp | undefined): boolean {
    return time !== undefined && Math.abs(clock.now() - time) < RECENT;
  }

  async function holdApp(state: Hold['state'], failure: Failure): Promise<void> {
    hold = { state, reason: failure.reason, nextProbeTime: clock.now() + PROBE_EVERY };
    await notes.markApp(state, failure);
  }

  async function releaseApp(): Promise<void> {
    hold = undefined;
    await notes.clearApp();
  }

  function holdRequest(request: AskedRequest, failure: Failure): void {
    if (requestHolds.size >= MOST_REQUESTS_KEPT) requestHolds.clear();
    requestHolds.set(keyOf(request), { failure, nextProbeTime: clock.now() + PROBE_EVERY });
  }

  function giveProbeBack(directoryId: string | undefined): void {
    for (const held of holdsOf(directoryId)) held.nextProbeTime = clock.now();
  }

  return {
    credentials,
    refusal(directoryId) {
      const held = holdsOf(directoryId).find(isHeld);
      return held === undefined ? undefined : refuseApp(app, held.reason, directoryId);
    },
    takeProbe(directoryId) {
      const due = holdsOf(directoryId);
      for (const held of due) held.nextProbeTime = clock.now() + PROBE_EVERY;
      return due.length > 0;
    },
    giveProbeBack,
    async granted(directoryId) {
      const now = clock.now();
      lastGrantTime = now;
      await releaseApp();
      if (directoryId === undefined || !servesMany) return;
      if (grantTimes.size >= MOST_DIRECTORIES_HELD) grantTimes.clear();
      grantTimes.set(directoryId, now);
      directoryHolds.delete(directoryId);
      await notes.clearDirectory(directoryId);
    },
    async credentialWorks() {
      if (notes.state() === 'CREDENTIAL_REJECTED') await releaseApp();
    },
    async misconfigured({ codes, failure }, request) {
      const { directoryId } = request;
      const isOneRequest = codes.some((code) => REQUEST_SHAPED.has(code));
      const inDirectory = codes.map((code) => REASON_IN_DIRECTORY.get(code)).find((reason) => reason !== undefined);
      const nextProbeTime = clock.now() + PROBE_EVERY;
      // It says nothing of the app, and so is no answer to the try.
      if (isOneRequest) giveProbeBack(directoryId);
      if (!servesMany || inDirectory === undefined) {
        if (isOneRequest) holdRequest(request, failure);
        if (!isOneRequest) await holdApp('MISCONFIGURED', failure);
        else if (!isRecent(lastGrantTime)) await notes.markApp('MISCONFIGURED', failure);
        return failure;
      }
      const named: Failure = { ...failure, reason: inDirectory };
      if (isOneRequest) holdRequest(request, named);
      // At `organizations` nobody says whose directory it was.
      if (directoryId === undefined) return named;
      if (directoryHolds.size >= MOST_DIRECTORIES_HELD) directoryHolds.clear();
      if (!isOneRequest)
        directoryHolds.set(directoryId, { state: 'MISCONFIGURED', reason: inDirectory, nextProbeTime });
      if (isOneRequest && isRecent(grantTimes.get(directoryId))) return named;
      // Marked, and not held: each directory finds out for itself, so that the failing ones do not use up the tries of a sound one.
      if (notes.failsBeside(directoryId) && !isRecent(lastGrantTime)) await notes.markApp('MISCONFIGURED', failure);
      await notes.markDirectory(directoryId, named);
      return named;
    },
    refusalOf(request) {
      const held = requestHolds.get(keyOf(request));
      return held !== undefined && isHeld(held) ? held.failure : undefined;
    },
    async outOfCredentials(failure) {
      const reason = credentials.areAllExpired() ? 'APP_CREDENTIAL_EXPIRED' : 'APP_CREDENTIAL_REJECTED';
      const named: Failure = { ...failure, kind: 'app_credential', reason };
      await holdApp('CREDENTIAL_REJECTED', named);
      return named;
    },
    async withoutCredential() {
      const reason = credentials.areAllExpired() ? 'APP_CREDENTIAL_EXPIRED' : 'APP_CREDENTIAL_REJECTED';
      await notes.markApp('CREDENTIAL_REJECTED', { reason, entraError: undefined, correlationId: undefined });
      return refuseApp(app, reason);
    },
  };
}

function keyOf({ directoryId = '', scopes }: AskedRequest): string {
  return `${directoryId} ${scopes.toSorted().join(' ').toLowerCase()}`;
}
