type Variables = Readonly<Record<string, string | undefined>>;

/** Options of Node that expose memory or traffic of the process, or weaken TLS. */
const UNSAFE_OPTION = /^--(inspect|tls-keylog|trace-tls|tls-min-v1\.[01]|heapsnapshot-)/;

/** Variables that make Node and grpc-js print requests, headers and bodies. */
const TRACES = ['NODE_DEBUG', 'NODE_DEBUG_NATIVE', 'GRPC_TRACE', 'GRPC_NODE_TRACE'];

/** Settings of Node and grpc-js that expose secrets. `options` are the command-line options of Node. */
export function unsafeSettings(variables: Variables, options: readonly string[]): string[] {
  const faults: string[] = [];
  if (variables['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    faults.push(
      'NODE_TLS_REJECT_UNAUTHORIZED: is 0, which accepts any certificate; remove it, and name the certificate of a private CA in NODE_EXTRA_CA_CERTS',
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
      faults.push(`${where}: has ${unsafe}, which exposes memory or traffic of the process; remove it`);
  }
  return faults;
}
