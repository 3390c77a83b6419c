/** Runs the step for each item, a few at a time. */
export async function inTurns<Item>(
  atATime: number,
  items: readonly Item[],
  step: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const work = async () => {
    for (const item of left) await step(item);
  };
  await Promise.all(Array.from({ length: atATime }, work));
}
