import { appName } from './connection.ts';
import { ALL_SUBJECT, type Containment, callerSubject, directorySubject, tenantSubject } from './containment.ts';
import { VaultError } from './errors.ts';

/** What a token, or an exchange with Entra, is about. */
export interface ContainmentTarget {
  readonly tenantId: string;
  /** Of another tenant, if that one shares it. */
  readonly app?: { readonly tenantId: string; readonly appId: string } | undefined;
  readonly directoryId?: string | undefined;
}

/** The containments in effect in this process. `size` is compared first, so that an empty set costs one comparison. */
export interface ContainedSet {
  readonly size: number;
  /** CONTAINED. */
  checkCaller(callerId: string): void;
  /** The containment of the target, of its app and directory, of a tenant that either belongs to, or of all. CONTAINED. */
  check(target: ContainmentTarget): void;
  /** Calls `listener` after each change. Returns the function that stops it. */
  listen(listener: () => void): () => void;
}

export const NOTHING_CONTAINED: ContainedSet = { size: 0, checkCaller() {}, check() {}, listen: () => () => {} };

export interface ContainmentInEffect extends Containment {
  /** Of this process alone, not of the database. */
  readonly isLocal: boolean;
}

export interface MutableContainedSet extends ContainedSet {
  /** Stored and local ones, by subject. */
  list(): readonly ContainmentInEffect[];
  /** Replaces the stored ones. */
  replaceStored(containments: readonly Containment[]): void;
  addStored(containment: Containment): void;
  addLocal(containment: Containment): void;
  /** False: there was none. */
  removeLocal(subject: string): boolean;
}

export function createContainedSet(): MutableContainedSet {
  let stored = new Map<string, Containment>();
  const local = new Map<string, Containment>();
  const listeners = new Set<() => void>();
  let size = 0;

  function isContained(subject: string): boolean {
    return stored.has(subject) || local.has(subject);
  }

  function checkSubject(subject: string): void {
    if (isContained(subject)) throw containedError(subject);
  }

  function changed(): void {
    size = new Set([...stored.keys(), ...local.keys()]).size;
    for (const listener of listeners) listener();
  }

  return {
    get size() {
      return size;
    },
    checkCaller: (callerId) => checkSubject(callerSubject(callerId)),
    check({ tenantId, app, directoryId }) {
      checkSubject(ALL_SUBJECT);
      checkSubject(tenantSubject(tenantId));
      if (app !== undefined) {
        checkSubject(tenantSubject(app.tenantId));
        checkSubject(appName(app));
      }
      if (directoryId !== undefined) checkSubject(directorySubject(directoryId));
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    list() {
      const all = [
        ...[...stored.values()].map((one) => ({ ...one, isLocal: false })),
        ...[...local.values()].map((one) => ({ ...one, isLocal: true })),
      ];
      return all.sort((one, other) => (one.subject < other.subject ? -1 : 1));
    },
    replaceStored(containments) {
      const before = [...stored.keys()].sort().join('\n');
      stored = new Map(containments.map((one) => [one.subject, one]));
      if ([...stored.keys()].sort().join('\n') !== before) changed();
    },
    addStored(containment) {
      stored.set(containment.subject, containment);
      changed();
    },
    addLocal(containment) {
      local.set(containment.subject, containment);
      changed();
    },
    removeLocal(subject) {
      const removed = local.delete(subject);
      if (removed) changed();
      return removed;
    },
  };
}

/** The reason that the admin gave stays inside the vault: the caller may be the attacker. */
function containedError(subject: string): VaultError {
  const contained = subject === ALL_SUBJECT ? 'The whole vault' : `${subject}`;
  return new VaultError(
    'CONTAINED',
    `${contained} is contained, so nothing is served for it. An admin of the vault can lift that (ContainmentService.Lift).`,
    { metadata: { contained: subject, nextStep: 'Lift' } },
  );
}
