/** Caches the labelled children of a metric by key, because the lookup of a child costs more than the increment. */
export function cachedByLabel<Child>(make: (key: string) => Child): (key: string) => Child {
  const children = new Map<string, Child>();
  return (key) => {
    let child = children.get(key);
    if (child === undefined) {
      child = make(key);
      children.set(key, child);
    }
    return child;
  };
}
