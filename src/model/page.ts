/** A stretch of a list in the order of its keys. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Hand it back as `after` to go on; undefined at the end. */
  readonly next: string | undefined;
}

export interface PageRequest {
  readonly size: number;
  /** Key of the last item of the page before. */
  readonly after: string | undefined;
}
