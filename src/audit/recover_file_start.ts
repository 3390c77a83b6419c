import type { KeyObject } from 'node:crypto';
import { type ChainPoint, chainOf } from './hash_chain.ts';
import { type FileStart, parseChainLine } from './parse_chain_line.ts';

const MOST_GROUPS = 16;
const LONGEST_GROUP = 32 * 2 ** 20;

/**
 * The start of a file whose first line was removed or edited, after its first seal: the stream is the one for which the
 * next seal is valid.
 */
export function recoverStart(
  lines: Iterable<string>,
  key: KeyObject,
  streamIds: readonly string[],
): FileStart | undefined {
  let after: ChainPoint | undefined;
  let group = '';
  let groups = 0;
  for (const line of lines) {
    const { seal } = parseChainLine(line);
    if (seal === undefined) {
      group += `${line}\n`;
      if (group.length > LONGEST_GROUP) return undefined;
      continue;
    }
    const previous = after;
    if (previous !== undefined) {
      const streamId = streamIds.find((id) => chainOf({ key, streamId: id }, previous.chain, group) === seal.chain);
      if (streamId !== undefined) return { ...previous, streamId, time: undefined };
    }
    groups += 1;
    if (groups > MOST_GROUPS) return undefined;
    after = seal;
    group = '';
  }
  return undefined;
}
