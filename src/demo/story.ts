import { expiredSecret } from './chapters/expired_secret.ts';
import { gettingTokens } from './chapters/getting_tokens.ts';
import { killAndStop } from './chapters/kill_and_stop.ts';
import { revokedSessions } from './chapters/revoked_sessions.ts';
import { settingUp } from './chapters/setting_up.ts';
import { createClients } from './clients.ts';
import type { Narrator } from './narrator.ts';
import { createScene } from './scene.ts';
import type { Stage } from './stage.ts';
import type { Step } from './step.ts';

/** The steps, chapter after chapter; each goes on from where the one before it ended. */
export const STORY: readonly Step[] = [
  ...settingUp,
  ...gettingTokens,
  ...expiredSecret,
  ...revokedSessions,
  ...killAndStop,
];

export async function tellStory(stage: Stage, tell: Narrator): Promise<void> {
  const clients = createClients(stage);
  const scene = createScene(stage, clients, tell);
  for (const { title, play } of STORY) await tell.step(title, () => play(scene));
  for (const client of Object.values(clients)) client.close();
}
