/**
 * Memory for groups until they are synced. It is used again, because new memory for each group would survive scavenges
 * until the sync, and then be held until the next full collection.
 */
export interface GroupMemory {
  /** The bytes of `text` in UTF-8. The next call overwrites them, unless they are kept. */
  encode(text: string): Buffer;
  /** The bytes that `encode` returned last, followed by `text`, of at most 256 bytes. */
  extend(bytes: Buffer, text: string): Buffer;
  /** Keeps what `encode` returned last, until `release` is called with this or a later mark. */
  keep(bytes: Buffer, mark: number): void;
  release(mark: number): void;
}

interface Block {
  readonly bytes: Buffer;
  used: number;
  /** Of the last group in it. */
  mark: number;
}

const BLOCK_SIZE = 2 ** 18;
const MOST_FREE = 32;
const ROOM_TO_EXTEND = 256;
/** UTF-8 bytes for one UTF-16 code unit, at most. */
const MOST_BYTES = 3;

export function createGroupMemory(): GroupMemory {
  let current = createBlock(BLOCK_SIZE);
  /** Filled before it, in order. */
  let filled: Block[] = [];
  const free: Block[] = [];

  function blockFor(size: number): Block {
    if (current.bytes.length - current.used >= size) return current;
    if (current.used > 0) filled.push(current);
    else recycle(current);
    current = (size <= BLOCK_SIZE ? free.pop() : undefined) ?? createBlock(Math.max(size, BLOCK_SIZE));
    return current;
  }

  function recycle(block: Block): void {
    block.used = 0;
    if (block.bytes.length === BLOCK_SIZE && free.length < MOST_FREE) free.push(block);
  }

  return {
    encode(text) {
      const { bytes, used } = blockFor(text.length * MOST_BYTES + ROOM_TO_EXTEND);
      return bytes.subarray(used, used + bytes.write(text, used));
    },
    extend({ length }, text) {
      const { bytes, used } = current;
      const end = used + length;
      return bytes.subarray(used, end + bytes.write(text, end, ROOM_TO_EXTEND));
    },
    keep({ length }, mark) {
      current.used += length;
      current.mark = mark;
    },
    release(mark) {
      for (const block of filled) if (block.mark <= mark) recycle(block);
      filled = filled.filter((block) => block.mark > mark);
      if (current.mark > mark) return;
      current.used = 0;
      // A block for one large group would otherwise stay for good.
      if (current.bytes.length > BLOCK_SIZE) current = free.pop() ?? createBlock(BLOCK_SIZE);
    },
  };
}

function createBlock(size: number): Block {
  return { bytes: Buffer.allocUnsafeSlow(size), used: 0, mark: 0 };
}
