import { randomUUID } from 'node:crypto';
import type { AppManagementPolicy } from './app_management_policy.ts';
import type { Policy } from './policy.ts';

/** An Entra tenant. */
export interface Directory {
  id: string;
  displayName: string;
  domains: string[];
  /** What its users may consent to. */
  userConsent: UserConsent;
  /** For the apps that are registered here and have none of their own. */
  managementPolicy: AppManagementPolicy | undefined;
  policies: Policy[];
}

export interface DirectoryInput {
  id?: string | undefined;
  displayName?: string | undefined;
  domain?: string | undefined;
  userConsent?: UserConsent | undefined;
}

/**
 * - `microsoft-user-default-recommended` (default, as at Entra since 2025): to all but what Microsoft lists; a verified publisher
 *   changes nothing. https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
 * - `verified`, the recommendation of 2020: to the directory's own apps and to those of verified publishers.
 * - `true`: to everything that is not for administrators. `false`: to nothing.
 */
export type UserConsent = (typeof USER_CONSENTS)[number];
export const USER_CONSENTS = ['microsoft-user-default-recommended', 'verified', true, false] as const;

/** The directory of personal Microsoft accounts, the same in the real world. */
export const CONSUMERS_DIRECTORY_ID = '9188040d-6c67-4c5b-b112-36a304b66dad';

export interface Directories {
  add(input: DirectoryInput): Directory;
  find(idOrDomain: string): Directory | undefined;
  list(): Directory[];
}

export function createDirectories(): Directories {
  const byId = new Map<string, Directory>();
  const directories: Directories = {
    add(input) {
      const id = input.id?.toLowerCase() ?? randomUUID();
      const domain = input.domain ?? `${id.slice(0, 8)}.onmicrosoft.com`;
      const directory: Directory = {
        id,
        displayName: input.displayName ?? domain,
        domains: [domain.toLowerCase()],
        userConsent: input.userConsent ?? 'microsoft-user-default-recommended',
        managementPolicy: undefined,
        policies: [],
      };
      byId.set(id, directory);
      return directory;
    },
    find(idOrDomain) {
      const wanted = idOrDomain.toLowerCase();
      return byId.get(wanted) ?? directories.list().find((directory) => directory.domains.includes(wanted));
    },
    list: () => [...byId.values()],
  };
  directories.add({
    id: CONSUMERS_DIRECTORY_ID,
    displayName: 'Personal Microsoft accounts',
    domain: 'live.com',
    userConsent: true,
  });
  return directories;
}

/** The first part of an endpoint's path: one directory, or one of the two words for many. */
export interface Authority {
  segment: string;
  kind: 'common' | 'organizations' | 'directory';
  /** Undefined for `common` and `organizations`. */
  directory: Directory | undefined;
}

/** Undefined for a directory that does not exist (90002). `consumers` is the directory of personal accounts. */
export function findAuthority(directories: Directories, segment: string): Authority | undefined {
  const word = segment.toLowerCase();
  if (word === 'common' || word === 'organizations') return { segment, kind: word, directory: undefined };
  const directory = directories.find(word === 'consumers' ? CONSUMERS_DIRECTORY_ID : word);
  return directory === undefined ? undefined : { segment, kind: 'directory', directory };
}
