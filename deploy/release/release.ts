/** What the parts of a release are built of. */
export interface Release {
  readonly version: string;
  /** The time of the commit, for reproducible archives. */
  readonly time: Date;
  /** The files of the commit, with the production packages. */
  readonly root: string;
  /** For the finished files. */
  readonly output: string;
  /** Removed at the end. */
  readonly temporary: string;
}
