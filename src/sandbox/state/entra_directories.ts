import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AppManagementPolicy } from './app_management_policy.ts';
import type { Policy } from './token_refusal_policy.ts';

/**
 * Permissions to which the users of a directory may consent:
 * - `managed`: by `microsoft-user-default-recommended`, the default at Entra since 2025: all but those that Microsoft lists; a
 *   verified publisher changes nothing. https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
 * - `legacy`, the default before: all that need no administrator.
 * - `verified`, the recommendation of 2020: only for the directory's own apps and for apps of verified publishers.
 * - `none`: none.
 */
export const USER_CONSENTS = ['managed', 'legacy', 'verified', 'none'] as const;
export const userConsent = z.literal(USER_CONSENTS);
export type UserConsent = z.output<typeof userConsent>;

const DESCRIPTIONS = {
  managed: "an administrator approves most permissions of mail, calendars, contacts and tasks first (Entra's default).",
  legacy: 'each user approves all that needs no administrator, as before 2025.',
  verified: 'users approve apps of verified publishers and of their own directory.',
  none: 'an administrator approves everything first.',
} as const satisfies Record<UserConsent, string>;

/** For the banner. */
export function describeUserConsent(policy: UserConsent): string {
  return DESCRIPTIONS[policy];
}

export const directoryInput = z.strictObject({
  id: z.uuid().optional(),
  displayName: z.string().min(1).optional(),
  domain: z.string().min(1).optional(),
  userConsent: userConsent.optional(),
});
export type DirectoryInput = z.input<typeof directoryInput>;

/** An Entra tenant. */
export interface Directory {
  id: string;
  displayName: string;
  domains: string[];
  userConsent: UserConsent;
  /** For the apps registered here that have no policy of their own. */
  managementPolicy: AppManagementPolicy | undefined;
  policies: Policy[];
}

/** The directory of personal Microsoft accounts (`live.com`), with the id that it has at Entra. */
export const CONSUMERS_DIRECTORY_ID = '9188040d-6c67-4c5b-b112-36a304b66dad';

/**
 * Personal accounts differ: most problems of a grant are error 70000, scopes follow other rules, and errors at the authorize
 * endpoint have no AADSTS number. https://learn.microsoft.com/advertising/guides/handle-service-errors-exceptions
 */
export function isPersonal(directoryId: string | undefined): boolean {
  return directoryId === CONSUMERS_DIRECTORY_ID;
}

export type Directories = ReturnType<typeof createDirectories>;

export function createDirectories() {
  const byId = new Map<string, Directory>();
  function add(input: DirectoryInput): Directory {
    const id = input.id?.toLowerCase() ?? randomUUID();
    const domain = input.domain ?? `${id.slice(0, 8)}.onmicrosoft.com`;
    const directory: Directory = {
      id,
      displayName: input.displayName ?? domain,
      domains: [domain.toLowerCase()],
      userConsent: input.userConsent ?? 'managed',
      managementPolicy: undefined,
      policies: [],
    };
    byId.set(id, directory);
    return directory;
  }
  const displayName = 'Personal Microsoft accounts';
  add({ id: CONSUMERS_DIRECTORY_ID, displayName, domain: 'live.com', userConsent: 'legacy' });
  return {
    add,
    find(idOrDomain: string): Directory | undefined {
      const wanted = idOrDomain.toLowerCase();
      return byId.get(wanted) ?? [...byId.values()].find(({ domains }) => domains.includes(wanted));
    },
    list: (): Directory[] => [...byId.values()],
  };
}

/** The first segment of an endpoint's path: one directory, `common` or `organizations`. */
export interface Authority {
  segment: string;
  kind: 'common' | 'organizations' | 'directory';
  /** Undefined for `common` and `organizations`. */
  directory: Directory | undefined;
}

/** `consumers` is the directory of personal accounts. Undefined: there is no such directory (90002). */
export function findAuthority(directories: Directories, segment: string): Authority | undefined {
  const name = segment.toLowerCase();
  if (name === 'common' || name === 'organizations') return { segment, kind: name, directory: undefined };
  const directory = directories.find(name === 'consumers' ? CONSUMERS_DIRECTORY_ID : name);
  return directory === undefined ? undefined : { segment, kind: 'directory', directory };
}
