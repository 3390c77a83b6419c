import type { Credential, NewCredential } from '../model/app_credential.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import type { Delivery } from '../model/event_delivery.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Rotation, RotationStep } from '../model/secret_rotation.ts';
import type { RegistrationReading } from '../model/unknown_credential.ts';
import type { StoredEvent, VaultEvent } from '../model/vault_event.ts';

// The stores of the background jobs.

export interface KekAge {
  readonly kekId: string;
  /** When this database first saw it. */
  readonly since: Timestamp;
  /** The age in days that was reported last; undefined: none. */
  readonly lastRemindedDays: number | undefined;
}

/** Inspections of app registrations and their credentials at Entra. */
export interface InspectionStore {
  /** By index, most overdue first. New and changed apps are due at once, and so are rows that were written while the clock was ahead. */
  due(now: Timestamp, limit: number): Promise<readonly DueInspection[]>;
  /** One commit. False: it was made due again meanwhile, or a credential of `expiries` was deleted; nothing is written. */
  record(inspection: Inspection): Promise<boolean>;
  /** Makes apps due whose credential refers to the secret (its URI without the version). Returns their uids. */
  markDueBySecret(secretUri: string): Promise<readonly string[]>;
  /** By the uid of the app; without apps whose registration was never read. */
  readings(appUids: readonly string[]): Promise<ReadonlyMap<string, RegistrationReading>>;
}

export interface DueInspection {
  readonly app: App;
  /** In the order in which they were added. */
  readonly credentials: readonly Credential[];
  /** Since when the inspection is due. */
  readonly inspectTime: Timestamp;
  /** Ids of credentials at Entra that need no further report: already reported, or previously the vault's own. */
  readonly knownKeyIds: readonly string[];
}

export interface Inspection {
  readonly due: DueInspection;
  readonly nextTime: Timestamp;
  readonly knownKeyIds: readonly string[];
  /** Undefined: the registration was not read. The earlier reading stays. */
  readonly reading?: RegistrationReading | undefined;
  /** Only of credentials that changed. */
  readonly expiries: readonly CredentialExpiry[];
  readonly events: readonly VaultEvent[];
}

/** `expireTime` becomes the earlier of the two. If it changes, its reminders start again. */
export interface CredentialExpiry {
  readonly credentialUid: string;
  readonly configuredExpireTime: Timestamp | undefined;
  readonly entraExpireTime: Timestamp | undefined;
  readonly entraKeyId: string | undefined;
}

/** Rotations of client secrets and certificates that the vault renews by itself. */
export interface RotationStore {
  find(appUid: string): Promise<Rotation | undefined>;
  /** By index, most overdue first; then rows that were written while the clock was ahead. */
  due(now: Timestamp, limit: number): Promise<readonly Rotation[]>;
  /**
   * Whether a credential of another app with the same client id, or a Key Vault reference of any such app, is or may be the same
   * secret or certificate, which has the id `keyId` at Entra.
   */
  isUsedElsewhere(
    app: Pick<App, 'uid' | 'clientId'>,
    credential: Pick<Credential, 'kind' | 'hint'>,
    keyId: string,
  ): Promise<boolean>;
  /** Rotations in progress, by step and by whether there is a problem. */
  counts(): Promise<readonly RotationCount[]>;
  /** False: the app already has a rotation in progress, or was deleted. */
  begin(rotation: Rotation): Promise<boolean>;
  /** One durable commit. False: the version is no longer that of `before`, or app or credential were deleted; nothing is written. CREDENTIAL_EXISTS. */
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
  /** Undefined: the rotation is completed. Its version is ignored. */
  readonly after: Rotation | undefined;
  readonly add?: { readonly app: App; readonly credential: NewCredential } | undefined;
  /** The credential to present first from now on. */
  readonly prefer?: { readonly credentialUid: string; readonly time: Timestamp } | undefined;
  /** Uid of the credential to delete; it may be deleted already. */
  readonly remove?: string | undefined;
  /** Published with this commit; they have no dedupe key. */
  readonly events?: readonly VaultEvent[] | undefined;
}

/** Expiry times of credentials and connections, and the reminders that were published. */
export interface ExpiryStore {
  /** Credentials whose reminder is due, by index, most overdue first. New ones and those whose expiry changed are due at once. */
  dueReminders(now: Timestamp, limit: number): Promise<readonly DueReminder[]>;
  /**
   * Writes the events and the next due times in one commit. A reminder whose expiry or due time changed meanwhile is left out and stays
   * due. An event that was published before is not published again. Returns the number of events.
   */
  remind(reminders: readonly Reminder[]): Promise<number>;
  /** Soonest first. Those without an expiry time come last, and only with `includeUnknown`. */
  listExpiring(page: PageRequest, filter: ExpiringFilter): Promise<Page<CredentialOfApp>>;
  /**
   * ACTIVE connections, suspended or not, whose refresh token expires before `time` and that have no reminder for it yet; by index,
   * soonest first. Their accounts have no names, which are sealed.
   */
  idleExpiring(time: Timestamp, limit: number): Promise<readonly Connection[]>;
  /** Publishes the event once for each `lastRefreshTime`. False: it was published before, or the token was redeemed meanwhile. */
  remindIdle(connection: Connection, event: VaultEvent): Promise<boolean>;
  /** Publishes an event about the vault's own certificates and keys. False: it was published before. */
  publish(event: VaultEvent): Promise<boolean>;
}

export interface CredentialOfApp {
  readonly credential: Credential;
  readonly app: Pick<App, 'uid' | 'tenantUid' | 'tenantId' | 'appId' | 'clientId' | 'displayName'>;
}

/** Only the columns that a reminder needs: there may be thousands at a time. */
export interface DueReminder {
  /** The physical id of the row. */
  readonly rowid: number;
  readonly credential: Pick<Credential, 'uid' | 'credentialId' | 'kind' | 'hint' | 'expireTime'>;
  readonly app: Pick<App, 'tenantUid' | 'tenantId' | 'appId' | 'clientId'>;
  /** Since when the reminder is due; 0 or below: at once. */
  readonly reminderTime: Timestamp;
  /** The last reported threshold in days of this expiry time; undefined: none. */
  readonly lastRemindedDays: number | undefined;
  /** The thresholds of the tenant; undefined: those of the configuration. */
  readonly thresholds: readonly number[] | undefined;
  /**
   * The latest expiry among the app's other credentials that are not rejected and become valid before this one expires. Undefined: there
   * is no such credential, or its expiry is unknown. Federated credentials do not expire: the latest time that JavaScript can represent.
   */
  readonly othersEnd: Timestamp | undefined;
}

export interface Reminder {
  readonly due: DueReminder;
  readonly event: VaultEvent | undefined;
  readonly lastRemindedDays: number | undefined;
  /** Undefined: never again, unless the expiry changes. */
  readonly nextTime: Timestamp | undefined;
}

export interface ExpiringFilter {
  readonly tenantIds?: readonly string[] | undefined;
  /** Without those that expired by then. */
  readonly after?: Timestamp | undefined;
  readonly before: Timestamp;
  readonly includeUnknown: boolean;
}

/** Deliveries of events to sinks. */
export interface DeliveryStore {
  /** The number up to which deliveries were created for the sink. A new sink starts at the end of the outbox. */
  cursor(sinkId: string): Promise<number>;
  /** Moves the cursor and creates the deliveries in one commit. False: another replica moved the cursor. */
  route(route: {
    readonly sinkId: string;
    readonly from: number;
    readonly to: number;
    readonly sequences: readonly number[];
    readonly time: Timestamp;
  }): Promise<boolean>;
  /** Sorted by next time. */
  due(sinkId: string, now: Timestamp, limit: number): Promise<readonly Delivery[]>;
  delivered(sinkId: string, sequence: number): Promise<void>;
  /** Stores attempts and last error of `delivery`, as `deadLetter` does. */
  postpone(delivery: Delivery, nextTime: Timestamp): Promise<void>;
  deadLetter(delivery: Delivery, time: Timestamp): Promise<void>;
  /** Sorted by (sink, sequence). */
  deadLetters(page: PageRequest, sinkId: string | undefined): Promise<Page<Delivery>>;
  /** Makes the sink's dead letters pending again, with no attempts; returns how many. */
  redeliver(sinkId: string, time: Timestamp): Promise<number>;
  counts(): Promise<
    readonly { readonly sinkId: string; readonly state: 'PENDING' | 'DEAD_LETTER'; readonly count: number }[]
  >;
}

export interface HeldJobLease {
  readonly name: string;
  readonly owner: string;
  /** Grows whenever the lease is acquired, but not when it is renewed. */
  readonly epoch: number;
}

/** Leases on work that one replica does for all. */
export interface LeaseStore {
  /**
   * `owner` holds the lease for `duration` from now, by the clock of the database, and can renew it. Undefined: another owner holds it.
   */
  acquire(name: string, owner: string, duration: Duration): Promise<HeldJobLease | undefined>;
  release(name: string, owner: string): Promise<void>;
  /** The leases that are held, by name. */
  listHeld(): Promise<readonly ListedJobLease[]>;
}

export interface ListedJobLease {
  readonly name: string;
  readonly owner: string;
  readonly remaining: Duration;
}

/** Events to be delivered. They are written in the commits that they describe (see ConnectionStore), never here. */
export interface OutboxStore {
  /** Sorted by number, after `after` (0: from the beginning). Without events that have no number yet. */
  read(after: number, limit: number): Promise<readonly StoredEvent[]>;
  /** The last number that was given; 0: none. */
  last(): Promise<number>;
  /**
   * Numbers up to `limit` events that have no number, under the lease of the only process that does. True: there are more, and the lease
   * is held. Only needed if the database is shared; otherwise an event has its number from the start.
   */
  number(lease: HeldJobLease, limit: number): Promise<boolean>;
  /** Deletes up to `limit` events from before `time` that have no pending delivery; returns how many. */
  sweep(time: Timestamp, limit: number): Promise<number>;
}
