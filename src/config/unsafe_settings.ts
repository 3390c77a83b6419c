type Variables = Readonly<Record<string, string | undefined>>;

/** Options of Node that show what the process holds or sends, or weaken TLS. */
const UNSAFE_OPTION = /^--(inspect|tls-keylog|trace-tls|tls-min-v1\.[01]|heapsnapshot-)/;

/** These make Node and grpc-js print requests, headers and bodies. */
const TRACES = ['NODE_DEBUG', 'NODE_DEBUG_NATIVE', 'GRPC_TRACE', 'GRPC_NODE_TRACE'];

/** Settings of Node and grpc-js under which no secret is safe. `options`: those that Node was started with. */
export function unsafeSettings(variables: Variables, options: readonly string[]): string[] {
  const faults: string[] = [];
  if (variables['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    faults.push(
      'NODE_TLS_REJECT_UNAUTHORIZED: is 0, so that any certificate would be accepted; remove it, and name the certificate of a private authority in NODE_EXTRA_CA_CERTS',
    );
  }
  for (const name of TRACES) {
    if ((variables[name] ?? '') !== '') faults.push(`${name}: makes the process print what it sends; remove it`);
  }
  const ofVariable = (variables['NODE_OPTIONS'] ?? '').split(/\s+/).map((word) => word.replace(/^["']/, ''));
  for (const [where, words] of [
    ['the command line of node', options],
    ['NODE_OPTIONS', ofVariable],
  ] as const) {
    // Node reads an underscore as a hyphen.
    const unsafe = words
      .map((word) => word.replace(/=.*$/s, '').replaceAll('_', '-'))
      .find((word) => UNSAFE_OPTION.test(word));
    if (unsafe !== undefined)
      faults.push(`${where}: has ${unsafe}, which opens the memory or the traffic of the process; remove it`);
  }
  return faults;
}
