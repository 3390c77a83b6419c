/** Remembers what is made of a key. Looking a labelled child of a metric up costs more than counting with it. */
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
