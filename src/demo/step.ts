import type { Scene } from './scene.ts';

/** One thing that the story shows. */
export interface Step {
  readonly title: string;
  play(scene: Scene): Promise<void>;
}
