import type { Timestamp } from './clock.ts';
import { fieldInvalid } from './errors.ts';
import { GUID, RESOURCE_ID } from './id_patterns.ts';

/** Stops the flow of tokens to a caller, or of an app, a directory, a tenant or the whole vault, until it is lifted. */
export interface Containment {
  /** Its name, as `containedName` makes it. What it names need not exist. */
  readonly subject: string;
  readonly reason: string;
  /** The admin that contained it. */
  readonly caller: string;
  readonly createTime: Timestamp;
}

export type ContainmentKind = 'caller' | 'app' | 'directory' | 'tenant' | 'all';

export const CONTAINMENT_KINDS: readonly ContainmentKind[] = ['caller', 'app', 'directory', 'tenant', 'all'];

export const callerSubject = (callerId: string) => `callers/${callerId}`;
export const tenantSubject = (tenantId: string) => `tenants/${tenantId}`;
export const directorySubject = (directoryId: string) => `directories/${directoryId.toLowerCase()}`;
/** Everything that products are served. */
export const ALL_SUBJECT = 'all';

/** What a containment names, for the API. `id`: that of the caller or directory; the name of a tenant or app; else empty. */
export interface ContainmentSubject {
  readonly kind: ContainmentKind;
  readonly id: string;
}

/** Undefined: a text that no containment of this version has. */
export function parseSubject(subject: string): ContainmentSubject | undefined {
  if (subject === ALL_SUBJECT) return { kind: 'all', id: '' };
  const [collection, first = '', apps, appId] = subject.split('/');
  const rest = subject.slice((collection ?? '').length + 1);
  if (collection === 'callers' && rest !== '') return { kind: 'caller', id: rest };
  if (collection === 'directories' && GUID.test(rest)) return { kind: 'directory', id: rest };
  if (collection !== 'tenants' || !RESOURCE_ID.test(first)) return undefined;
  if (apps === undefined) return { kind: 'tenant', id: subject };
  const isApp = apps === 'apps' && RESOURCE_ID.test(appId ?? '') && subject.split('/').length === 4;
  return isApp ? { kind: 'app', id: subject } : undefined;
}

/** Callers of a certificate or token may have longer ids than those of API keys. */
const CALLER_ID = /^[\x21-\x7e]{1,256}$/;

/** FIELD_INVALID, which names the field of the request. */
export function subjectOf({ kind, id }: ContainmentSubject): string {
  switch (kind) {
    case 'all':
      return ALL_SUBJECT;
    case 'caller':
      if (CALLER_ID.test(id)) return callerSubject(id);
      throw fieldInvalid('subject.caller', 'must be the id of a caller, as in the callers file');
    case 'directory':
      if (GUID.test(id)) return directorySubject(id);
      throw fieldInvalid('subject.directory_id', 'must be the id (GUID) of a directory');
    default:
      if (parseSubject(id)?.kind === kind) return id;
      throw fieldInvalid(
        `subject.${kind}`,
        `must be the name of ${kind === 'tenant' ? 'a tenant, tenants/TENANT' : 'an app, tenants/TENANT/apps/APP'}`,
      );
  }
}
