/** The groups that were written and that the disk has not confirmed yet, so that they can be written again elsewhere. */
export interface UnsyncedGroups {
  add(group: Group): void;
  /** What was added so far, for `confirm`. */
  mark(): number;
  /** The disk holds all that was added before `mark`. */
  confirm(mark: number): void;
  readonly all: readonly Group[];
  /** Half of the room is used up: it is time to ask the disk. */
  readonly filling: boolean;
  /** No room for another group until the disk has confirmed some. */
  readonly full: boolean;
}

export interface Group {
  /** Lines, without a seal. */
  readonly text: string;
  readonly entries: number;
}

const MOST = 8 * 2 ** 20;

export function createUnsyncedGroups(): UnsyncedGroups {
  let groups: Group[] = [];
  let length = 0;
  let confirmed = 0;
  return {
    add(group) {
      groups.push(group);
      length += group.text.length;
    },
    mark: () => confirmed + groups.length,
    confirm(mark) {
      for (const { text } of groups.slice(0, mark - confirmed)) length -= text.length;
      groups = groups.slice(mark - confirmed);
      confirmed = mark;
    },
    get all() {
      return groups;
    },
    get filling() {
      return length >= MOST / 2;
    },
    get full() {
      return length >= MOST;
    },
  };
}
