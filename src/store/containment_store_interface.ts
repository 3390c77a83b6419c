import type { Containment } from '../model/containment.ts';

/** The containments in effect. Their commits are durable, and announce themselves to the other processes. */
export interface ContainmentStore {
  /** All of them, by subject. */
  list(): Promise<readonly Containment[]>;
  /** Keeps an earlier containment of the subject. Returns the one that is stored. */
  contain(containment: Containment): Promise<Containment>;
  /** False: the subject was not contained. */
  lift(subject: string): Promise<boolean>;
}
