import type { VariableText } from './variable_texts.ts';

/** Variables of Node, Azure and systemd that the vault, its libraries or its checks read. */
export const PLATFORM_VARIABLES = {
  NODE_EXTRA_CA_CERTS: {
    text: 'CAs to trust beside those of Node, such as that of a proxy or of a private receiver of webhooks.',
    format: 'path of a file in PEM',
    unset: 'the CAs of Node',
  },
  NODE_OPTIONS: {
    text: "Options of Node. `--max-old-space-size=MB` sets the size of its heap, which otherwise is half of the pod's memory, at most 4 GB. The vault does not start with options that expose memory or traffic, or weaken TLS: `--inspect`, `--tls-keylog`, `--trace-tls`, `--tls-min-v1.0`, `--tls-min-v1.1`, `--heapsnapshot-…`.",
    format: 'options, separated by blanks',
    unset: 'the defaults of Node',
  },
  NODE_TLS_REJECT_UNAUTHORIZED: {
    text: 'The vault does not start if it is `0`, which would accept any certificate.',
    format: 'not `0`',
    unset: 'certificates are verified',
  },
  NODE_DEBUG: {
    text: 'Makes the process print what it sends. The vault does not start with it, nor with `NODE_DEBUG_NATIVE`, `GRPC_TRACE` or `GRPC_NODE_TRACE`.',
    format: 'empty',
    unset: 'nothing is printed',
  },
  NODE_COMPILE_CACHE: {
    text: 'Where Node keeps the compiled program, which makes the start faster. Other users must not be able to write there.',
    format: 'path of a folder',
    unset: '`node_modules/.cache/token-vault` in the folder of the program',
  },
  AZURE_CLIENT_ID: {
    text: 'The identity with which the vault signs in to Azure Key Vault, if the machine has several, or of a workload identity.',
    format: 'client id',
    unset: 'the identity that is assigned to the machine',
  },
  AZURE_FEDERATED_TOKEN_FILE: {
    text: 'Token of a workload identity; the webhook of Azure sets it in pods. No credential may name this file.',
    format: 'path of a file',
    unset: 'no workload identity',
    secret: 'the content of the file',
    reread: 'before its token expires',
  },
  CREDENTIALS_DIRECTORY: {
    text: 'Where systemd puts the credentials of the service; systemd sets it. A key file there may belong to root, with mode 0440.',
    format: 'path of a folder',
    unset: 'a key file must belong to the user of the vault, with mode 0400 or 0600',
  },
} as const satisfies Readonly<Record<string, VariableText>>;
