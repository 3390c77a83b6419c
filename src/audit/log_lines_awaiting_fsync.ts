/** Groups that were written but not synced yet, kept so that they can be written to another file if the disk fails. */
export interface UnsyncedGroups {
  add(group: Group): void;
  /** Position after the last group, for `confirm`. */
  mark(): number;
  /** The disk has the groups before `mark`. */
  confirm(mark: number): void;
  readonly all: readonly Group[];
  /** Half full: a sync is due. */
  readonly filling: boolean;
  /** No further group is accepted until some are synced. */
  readonly full: boolean;
}

export interface Group {
  /** Without a seal. */
  readonly lines: Buffer;
  readonly entries: number;
}

const MAX_LENGTH = 8 * 2 ** 20;

export function createUnsyncedGroups(): UnsyncedGroups {
  let groups: Group[] = [];
  let length = 0;
  let confirmed = 0;
  return {
    add(group) {
      groups.push(group);
      length += group.lines.length;
    },
    mark: () => confirmed + groups.length,
    confirm(mark) {
      for (const { lines } of groups.slice(0, mark - confirmed)) length -= lines.length;
      groups = groups.slice(mark - confirmed);
      confirmed = mark;
    },
    get all() {
      return groups;
    },
    get filling() {
      return length >= MAX_LENGTH / 2;
    },
    get full() {
      return length >= MAX_LENGTH;
    },
  };
}
