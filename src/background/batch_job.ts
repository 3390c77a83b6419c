/** Works off what is due, batch by batch, so that whoever drives it may pause, or stop, in between. */
export interface Sweep {
  /** One batch; answers whether there may be more. */
  batch(): Promise<boolean>;
}
