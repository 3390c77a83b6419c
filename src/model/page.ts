/** A page of a list in the order of its keys. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** `after` of the next page; undefined: the last page. */
  readonly next: string | undefined;
  /** Names of resources that are left out, because their rows were changed or are damaged. Undefined: none. */
  readonly unreachable?: readonly string[];
}

export interface PageRequest {
  readonly size: number;
  /** Key of the last item of the previous page. */
  readonly after: string | undefined;
}
