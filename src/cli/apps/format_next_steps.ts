import type { NextSteps } from '../../gen/tokenvault/v1/next_steps_pb.ts';
import { inCommandTerms } from '../command_terms.ts';
import { wrapped } from '../format_table.ts';

export function warningLines(next: NextSteps | undefined): readonly string[] {
  return (next?.warnings ?? []).flatMap((warning) => wrapped(inCommandTerms(`Warning: ${warning}`), 2));
}

/** What remains to be done in Entra, as a numbered list. */
export function stepLines(next: NextSteps | undefined): readonly string[] {
  const steps = next?.steps ?? [];
  if (steps.length === 0) return [];
  return ['Next steps:', ...steps.flatMap((step, at) => wrapped(inCommandTerms(`  ${at + 1}. ${step}`), 5))];
}

/** Blocks of lines, with an empty line between them. */
export function blocksText(blocks: readonly (readonly string[])[]): readonly string[] {
  return blocks.filter((lines) => lines.length > 0).flatMap((lines, at) => (at === 0 ? lines : ['', ...lines]));
}
