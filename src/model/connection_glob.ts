/** A pattern of connection ids, in which `*` stands for any characters. */
export const CONNECTION_GLOB = /^[A-Za-z0-9._~|*-]{1,128}$/;

/** Whether ids match the glob. Takes linear time, because callers choose ids. */
export function connectionMatcher(glob: string): (connectionId: string) => boolean {
  const [first = '', ...rest] = glob.split('*');
  const last = rest.pop();
  if (last === undefined) return (connectionId) => connectionId === glob;
  return (connectionId) => {
    if (!connectionId.startsWith(first)) return false;
    let from = first.length;
    for (const part of rest) {
      const at = connectionId.indexOf(part, from);
      if (at === -1) return false;
      from = at + part.length;
    }
    return connectionId.length - last.length >= from && connectionId.endsWith(last);
  };
}
