import type { App } from '../model/app.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { Credential, NewCredential } from '../model/credential.ts';
import type { Delivery } from '../model/delivery.ts';
import type { StoredEvent, VaultEvent } from '../model/event.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Rotation, RotationStep } from '../model/rotation.ts';

// What the vault does by itself: it looks, renews, reminds and tells.

export interface KekAge {
  readonly kekId: string;
  /** When this database first saw it. */
  readonly since: Timestamp;
  /** The age of which somebody was told last; undefined: nobody was yet. */
  readonly lastRemindedDays: number | undefined;
}

/** Looking at app registrations and credentials: what Entra's side says of them. */
export interface InspectionStore {
  /** By index, most overdue first. New apps and those changed are due at once; so is what was put off by a clock that was set back since. */
  due(now: Timestamp, limit: number): Promise<readonly DueInspection[]>;
  /** One commit. False: it became due anew meanwhile, or a credential of `ends` is gone; nothing was written. */
  record(inspection: Inspection): Promise<boolean>;
  /** Apps with a credential that refers to the secret (its address without the version) become due; answers their uids. */
  hasten(secretUri: string): Promise<readonly string[]>;
}

export interface DueInspection {
  readonly app: App;
  /** In the order of adding. */
  readonly credentials: readonly Credential[];
  /** Since when somebody must look. */
  readonly inspectTime: Timestamp;
  /** Key ids at Entra that nobody needs to be told of: told already, or the vault's own at some time. */
  readonly strangers: readonly string[];
}

export interface Inspection {
  readonly due: DueInspection;
  readonly nextTime: Timestamp;
  readonly strangers: readonly string[];
  /** Only of those credentials of which something changed. */
  readonly ends: readonly CredentialEnds[];
  readonly events: readonly VaultEvent[];
}

/** `expireTime` becomes the earlier of the two, and is reminded of anew where it moved. */
export interface CredentialEnds {
  readonly credentialUid: string;
  readonly configuredExpireTime: Timestamp | undefined;
  readonly entraExpireTime: Timestamp | undefined;
  readonly entraKeyId: string | undefined;
}

/** Client secrets that the vault renews by itself. */
export interface RotationStore {
  find(appUid: string): Promise<Rotation | undefined>;
  /** By index, most overdue first; then what was put off by a clock that was set back since. */
  due(now: Timestamp, limit: number): Promise<readonly Rotation[]>;
  /**
   * Whether a credential of another app with the same client id, or a reference to a key vault of any of them, is or may be the same
   * secret, which Entra knows by `keyId`.
   */
  isUsedElsewhere(
    app: Pick<App, 'uid' | 'clientId'>,
    secret: Pick<Credential, 'hint'>,
    keyId: string,
  ): Promise<boolean>;
  /** Of all under way, by their step and whether there is a problem. */
  counts(): Promise<readonly RotationCount[]>;
  /** False: one is under way for the app already, or the app is gone. */
  begin(rotation: Rotation): Promise<boolean>;
  /** One durable commit. False: somebody wrote since (`before.version`), or app or credential are gone; nothing was written. CREDENTIAL_EXISTS. */
  advance(advance: RotationAdvance): Promise<boolean>;
}

export interface RotationCount {
  readonly step: RotationStep;
  readonly isFailing: boolean;
  readonly count: number;
  readonly oldestBeginTime: Timestamp;
}

export interface RotationAdvance {
  readonly before: Rotation;
  /** Undefined: it is over. Its version does not matter. */
  readonly after: Rotation | undefined;
  readonly add?: { readonly app: App; readonly credential: NewCredential } | undefined;
  /** Is presented first from now on. */
  readonly prefer?: { readonly credentialUid: string; readonly time: Timestamp } | undefined;
  /** Uid; one that is gone already is none to complain of. */
  readonly remove?: string | undefined;
  /** Without causes: they are told with this commit, or not at all. */
  readonly events?: readonly VaultEvent[] | undefined;
}

/** Which credentials end when, and what was told of it. */
export interface ExpiryStore {
  /** Credentials at which somebody must look, by index, most overdue first. New ones and those whose end changed are due at once. */
  dueReminders(now: Timestamp, limit: number): Promise<readonly DueReminder[]>;
  /**
   * One commit: what is told, and when to look again. One whose end or due time changed meanwhile is left out, and stays due; an event
   * whose cause was told already is not told again. Answers how many were told.
   */
  remind(reminders: readonly Reminder[]): Promise<number>;
  /** Soonest first; those without an end last, and only where they are wanted. */
  listExpiring(page: PageRequest, filter: ExpiringFilter): Promise<Page<CredentialOfApp>>;
  /**
   * ACTIVE connections, also suspended ones, whose refresh token dies before `time`, and of which that was not told yet; by index, soonest
   * first. Their accounts come without names, which are sealed.
   */
  idleExpiring(time: Timestamp, limit: number): Promise<readonly Connection[]>;
  /** Tells it once for each `lastRefreshTime`. False: it was told, or redeemed meanwhile. */
  remindIdle(connection: Connection, event: VaultEvent): Promise<boolean>;
  /** Of what belongs to the vault itself; false: it was told already (by the event's cause). */
  publish(event: VaultEvent): Promise<boolean>;
}

export interface CredentialOfApp {
  readonly credential: Credential;
  readonly app: Pick<App, 'uid' | 'tenantUid' | 'tenantId' | 'appId' | 'clientId' | 'displayName'>;
}

/** No more of them than is told: there may be thousands at a time. */
export interface DueReminder {
  /** Where the store found it. */
  readonly place: number;
  readonly credential: Pick<Credential, 'uid' | 'credentialId' | 'kind' | 'hint' | 'expireTime'>;
  readonly app: Pick<App, 'tenantUid' | 'tenantId' | 'appId' | 'clientId'>;
  /** Since when somebody must look; not above 0: for the first time, or anew. */
  readonly reminderTime: Timestamp;
  /** Days before the end that was told last, of this very end; undefined: none. */
  readonly lastRemindedDays: number | undefined;
  /** The tenant's own; undefined: as the vault is configured. */
  readonly thresholds: readonly number[] | undefined;
  /**
   * The latest end among the other credentials of the app that will do: not rejected, and valid from before this one's end. Undefined: there
   * is none, or its end is unknown; federated ones, which have none, live on until the end of time.
   */
  readonly othersEnd: Timestamp | undefined;
}

export interface Reminder {
  readonly due: DueReminder;
  readonly event: VaultEvent | undefined;
  readonly lastRemindedDays: number | undefined;
  /** Undefined: never again, unless its end changes. */
  readonly nextTime: Timestamp | undefined;
}

export interface ExpiringFilter {
  readonly tenantIds?: readonly string[] | undefined;
  readonly before: Timestamp;
  readonly includeUnknown: boolean;
}

/** Events on their way to sinks. */
export interface DeliveryStore {
  /** The last sequence that was given out to the sink; a new sink begins at the end of the outbox. */
  cursor(sinkId: string): Promise<number>;
  /** One commit: the cursor moves on, and what the sink shall get waits for it. False: somebody else moved it. */
  route(route: {
    readonly sinkId: string;
    readonly from: number;
    readonly to: number;
    readonly sequences: readonly number[];
    readonly time: Timestamp;
  }): Promise<boolean>;
  /** In the order of their next times. */
  due(sinkId: string, now: Timestamp, limit: number): Promise<readonly Delivery[]>;
  delivered(sinkId: string, sequence: number): Promise<void>;
  /** Attempts and last error are stored as they stand in `delivery`, here and in `deadLetter`. */
  postpone(delivery: Delivery, nextTime: Timestamp): Promise<void>;
  deadLetter(delivery: Delivery, time: Timestamp): Promise<void>;
  /** In the order of (sink, sequence). */
  deadLetters(page: PageRequest, sinkId: string | undefined): Promise<Page<Delivery>>;
  /** Makes the sink's dead letters pending again, with no attempts; returns how many. */
  redeliver(sinkId: string, time: Timestamp): Promise<number>;
  counts(): Promise<
    readonly { readonly sinkId: string; readonly state: 'PENDING' | 'DEAD_LETTER'; readonly count: number }[]
  >;
}

/** Work that one replica does for all. */
export interface LeaseStore {
  /** True: it is `owner`'s for so long from now, by the database's clock; who holds it gets it again. */
  acquire(name: string, owner: string, duration: Duration): Promise<boolean>;
  release(name: string, owner: string): Promise<void>;
}

/** Events that wait to be told. They are written by what happened (see ConnectionStore), never here. */
export interface OutboxStore {
  /** In the order of their sequence, after `after` (0: from the beginning). */
  read(after: number, limit: number): Promise<readonly StoredEvent[]>;
  /** The highest sequence that is stored; 0: none. A cursor may lie beyond it, where the event was deleted since. */
  last(): Promise<number>;
  /** Deletes what happened before `time` and no sink waits for, at most `limit`; answers how many. */
  sweep(time: Timestamp, limit: number): Promise<number>;
}
