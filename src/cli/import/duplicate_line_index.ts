import { hash } from 'node:crypto';

/** A slot: 64 bits of the key's hash, and its line; line 0 is a free slot. Two of ten million keys collide in one of 300,000 imports. */
const WORDS = 3;

/** Finds the line that first had a key, in 16 to 32 bytes a key: a million keys take about 24 MB. */
export function createLineIndex(slots = 1_024) {
  let table = new Uint32Array(slots * WORDS);
  let used = 0;

  /** Linear probing: the slot of the hash, or the free slot for it. */
  function slotOf(high: number, low: number): number {
    const count = table.length / WORDS;
    for (let slot = low % count; ; slot = (slot + 1) % count) {
      const at = slot * WORDS;
      if (table[at + 2] === 0 || (table[at] === high && table[at + 1] === low)) return at;
    }
  }

  function grow(): void {
    const old = table;
    table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const [high = 0, low = 0, line = 0] = old.subarray(at, at + WORDS);
      if (line !== 0) table.set([high, low, line], slotOf(high, low));
    }
  }

  return {
    /** The line that had the key before; undefined: this line is the first one. */
    claim(key: string, line: number): number | undefined {
      const digest = hash('sha256', key, 'buffer');
      const high = digest.readUInt32LE(0);
      const low = digest.readUInt32LE(4);
      const before = table[slotOf(high, low) + 2] ?? 0;
      if (before !== 0) return before;
      if (used * 4 >= (table.length / WORDS) * 3) grow();
      table.set([high, low, line], slotOf(high, low));
      used += 1;
      return undefined;
    },
  };
}
