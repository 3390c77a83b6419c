/** Callers spell the keys, so neither their number nor their length may grow. */
const LONGEST_KEY = 1_000;

export type Memo<Value> = (key: string, make: () => Value) => Value;

/** Remembers the last `most` answers; forgets the oldest. What throws is not remembered. */
export function createMemo<Value extends object>(most: number): Memo<Value> {
  const answers = new Map<string, Value>();
  return (key, make) => {
    const remembered = answers.get(key);
    if (remembered !== undefined) return remembered;
    const made = make();
    if (key.length > LONGEST_KEY) return made;
    if (answers.size >= most) {
      for (const oldest of answers.keys()) {
        answers.delete(oldest);
        break;
      }
    }
    answers.set(key, made);
    return made;
  };
}
