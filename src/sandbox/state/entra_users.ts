import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { derivedUuid } from './derived_uuid.ts';
import { isPersonal } from './entra_directories.ts';
import type { Policy } from './token_refusal_policy.ts';

export const userInput = z.strictObject({
  username: z.string().min(1),
  /** Default: the username; `null`: none. */
  mail: z.string().min(1).nullable().optional(),
  displayName: z.string().min(1).optional(),
  /** Default: the directory with the username's domain. */
  directoryId: z.string().min(1).optional(),
  objectId: z.guid().optional(),
  guestOf: z.array(z.string().min(1)).optional(),
});
export type UserInput = z.input<typeof userInput>;

export interface User {
  /** The object id in the home directory. */
  objectId: string;
  directoryId: string;
  username: string;
  /** May differ from the username. Undefined: unknown, so tokens have no `email` claim. */
  mail: string | undefined;
  displayName: string;
  /** Directories where the user is a guest. */
  guestOf: string[];
  disabled: boolean;
  /** Redemptions fail with 500341. */
  deleted: boolean;
  /** Grows when sessions are revoked: refresh tokens of an older generation are invalid (50173). */
  generation: number;
  revokedTime: number;
  /** Seconds: Graph challenges tokens that were issued before, if they carry `cp1`. */
  challengedTime: number;
  policies: Policy[];
}

export type Users = ReturnType<typeof createUsers>;

export function createUsers() {
  const byId = new Map<string, User>();
  const byName = new Map<string, User>();
  const byGuestId = new Map<string, User>();
  return {
    add(input: UserInput & { directoryId: string }): User {
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
        challengedTime: 0,
        policies: [],
      };
      byId.set(user.objectId, user);
      byName.set(user.username.toLowerCase(), user);
      for (const directoryId of user.guestOf) byGuestId.set(objectIdIn(user, directoryId), user);
      return user;
    },
    /** By object id (also that of a guest) or username. */
    find(idOrUsername: string): User | undefined {
      const wanted = idOrUsername.toLowerCase();
      return byId.get(wanted) ?? byName.get(wanted) ?? byGuestId.get(wanted);
    },
    list: (): User[] => [...byId.values()],
  };
}

/** Object ids of personal accounts begin with zeros. */
function newObjectId(directoryId: string): string {
  const id = randomUUID();
  return isPersonal(directoryId) ? `00000000-0000-0000-${id.slice(19)}` : id;
}

export function isMemberOf(user: User, directoryId: string): boolean {
  return user.directoryId === directoryId || user.guestOf.includes(directoryId);
}

/** A guest has another object id in each directory. It is derived here, so that it is the same after a restart. */
export function objectIdIn(user: User, directoryId: string): string {
  return directoryId === user.directoryId ? user.objectId : derivedUuid(`${user.objectId}@${directoryId}`);
}
