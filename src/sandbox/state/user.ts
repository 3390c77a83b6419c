import { createHash, randomUUID } from 'node:crypto';
import { CONSUMERS_DIRECTORY_ID } from './directory.ts';
import type { Policy } from './policy.ts';

export interface User {
  /** The object id in the home directory. */
  objectId: string;
  directoryId: string;
  username: string;
  /** Need not be the username; undefined: none is known, and no `email` is told anywhere. */
  mail: string | undefined;
  displayName: string;
  /** Directories where the user is a guest. */
  guestOf: string[];
  disabled: boolean;
  /** Redemptions answer 500341. */
  deleted: boolean;
  /** Grows when sessions are revoked: refresh tokens of an older generation are dead (50173). */
  generation: number;
  revokedTime: number;
  policies: Policy[];
}

export interface UserInput {
  directoryId: string;
  username: string;
  /** Default: the username; `null`: none. */
  mail?: string | null | undefined;
  displayName?: string | undefined;
  objectId?: string | undefined;
  guestOf?: string[] | undefined;
}

export interface Users {
  add(input: UserInput): User;
  /** By object id (also that of a guest) or username. */
  find(idOrUsername: string): User | undefined;
  list(): User[];
}

export function createUsers(): Users {
  const byId = new Map<string, User>();
  const byName = new Map<string, User>();
  const byGuestId = new Map<string, User>();
  return {
    add(input) {
      const user: User = {
        objectId: input.objectId?.toLowerCase() ?? newObjectId(input.directoryId),
        directoryId: input.directoryId,
        username: input.username,
        mail: input.mail === null ? undefined : (input.mail ?? input.username),
        displayName: input.displayName ?? input.username,
        guestOf: input.guestOf ?? [],
        disabled: false,
        deleted: false,
        generation: 0,
        revokedTime: 0,
        policies: [],
      };
      byId.set(user.objectId, user);
      byName.set(user.username.toLowerCase(), user);
      for (const directoryId of user.guestOf) byGuestId.set(objectIdIn(user, directoryId), user);
      return user;
    },
    find(idOrUsername) {
      const wanted = idOrUsername.toLowerCase();
      return byId.get(wanted) ?? byName.get(wanted) ?? byGuestId.get(wanted);
    },
    list: () => [...byId.values()],
  };
}

/** That of a personal account begins with zeros. */
function newObjectId(directoryId: string): string {
  const id = randomUUID();
  return directoryId === CONSUMERS_DIRECTORY_ID ? `00000000-0000-0000-${id.slice(19)}` : id;
}

export function isMemberOf(user: User, directoryId: string): boolean {
  return user.directoryId === directoryId || user.guestOf.includes(directoryId);
}

/** A guest has another object id in each directory; here it is derived, so that it survives a restart. */
export function objectIdIn(user: User, directoryId: string): string {
  return directoryId === user.directoryId ? user.objectId : derivedUuid(`${user.objectId}@${directoryId}`);
}

export function derivedUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
